"""Stages focus and reconstruct on a tiny simulated acquisition with known truth."""

import logging
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from fields import FLAT_CELLS
from tilted import field_at

from lensfree.acquisitions import Acquisition
from lensfree.config import FocusConfig, OpticsConfig, ReconstructConfig, StorageConfig
from lensfree.contracts import FOCUS
from lensfree.io.stacks import create_holograms, open_opd
from lensfree.io.tables import read_table, write_table
from lensfree.memory import free_memory
from lensfree.phase import retriever
from lensfree.stages import focus, reconstruct
from lensfree.stages.refocus import out_of_focus
from lensfree.stages.training_fields import FieldMaker

PITCH_UM = 1.67
OPEN_BEAM = 200.0
RECIPE = replace(FLAT_CELLS, cells_per_mm2=150.0)
ACQUISITION = Acquisition(
    acquisition="a",
    kind="hologram",
    files="{frame}.tif",
    channels=("R", "G", "B"),
    wavelength_nm=RECIPE.wavelengths_nm,
    pixel_pitch_um=PITCH_UM,
    frame_interval_min=10,
)


@pytest.fixture(scope="module")
def field():
    rng = np.random.default_rng(5)
    return FieldMaker(RECIPE, OpticsConfig(), rng).draw(rng)


@pytest.fixture(scope="module")
def holograms(field, tmp_path_factory):
    path = tmp_path_factory.mktemp("holograms") / "0000.h5"
    counts = np.rint(field.intensity * OPEN_BEAM * 50).astype(np.uint16)
    with create_holograms(
        path,
        n_frames=2,
        first_frame=0,
        dtype=np.uint16,
        background=np.full_like(field.intensity, OPEN_BEAM * 50),
        channels=["R", "G", "B"],
        wavelength_nm=RECIPE.wavelengths_nm,
        pixel_pitch_um=PITCH_UM,
        sources=[["a"], ["b"]],
    ) as sink:
        sink.write(0, time_h=0.0, counts=None, reason="truncated")
        sink.write(1, time_h=1 / 6, counts=counts)
    return path


def write_focus(path, channels, *, is_estimated, tilt_y_um_per_mm=0.0, tilt_x_um_per_mm=0.0):
    table = pd.DataFrame([vars(channel) for channel in channels])
    tilt = {"tilt_y_um_per_mm": tilt_y_um_per_mm, "tilt_x_um_per_mm": tilt_x_um_per_mm}
    write_table(path, table.assign(channel=list("RGB"), is_estimated=is_estimated, **tilt), FOCUS)


def test_focus_finds_distance_and_shifts_of_the_colours(field, holograms, tmp_path):
    focus.run(
        holograms=holograms,
        out=tmp_path / "focus.parquet",
        acquisition=ACQUISITION,
        optics=OpticsConfig(),
        config=FocusConfig(z_min_um=700, z_max_um=1500, steps=21, iterations=8),
        reconstruct=ReconstructConfig(device="cpu"),
        weights=None,
        provenance={},
    )
    found = read_table(tmp_path / "focus.parquet", FOCUS)
    assert found["is_estimated"].all()
    np.testing.assert_allclose(found["z_um"], 1000.0, rtol=0.03)
    true_um = [[c.shift_y_um, c.shift_x_um] for c in field.channels]
    np.testing.assert_allclose(found[["shift_y_um", "shift_x_um"]], true_um, atol=0.5 * PITCH_UM)


def test_a_given_distance_is_taken_as_it_is(holograms, tmp_path):
    focus.run(
        holograms=holograms,
        out=tmp_path / "focus.parquet",
        acquisition=ACQUISITION.model_copy(update={"z_um": (990.0, 991.0, 992.0)}),
        optics=OpticsConfig(),
        config=FocusConfig(register_channels=False),
        reconstruct=ReconstructConfig(device="cpu"),
        weights=None,
        provenance={},
    )
    found = read_table(tmp_path / "focus.parquet", FOCUS)
    assert list(found["z_um"]) == [990.0, 991.0, 992.0]
    assert not found["is_estimated"].any()
    assert not found[["shift_y_um", "shift_x_um"]].to_numpy().any()


def test_reconstruct_keeps_dry_mass_and_gaps(field, holograms, tmp_path):
    write_focus(tmp_path / "focus.parquet", field.channels, is_estimated=False)
    reconstruct.run(
        holograms=holograms,
        focus=tmp_path / "focus.parquet",
        out=tmp_path / "opd.h5",
        optics=OpticsConfig(),
        focus_config=FocusConfig(),
        config=ReconstructConfig(device="cpu"),
        storage=StorageConfig(),
        weights=None,
        provenance={"rule": "reconstruct"},
    )
    with open_opd(tmp_path / "opd.h5") as source:
        assert source.read(0) is None
        found_nm = source.read(1)
        assert source.provenance == {"rule": "reconstruct"}
        assert source.z_um[1] == 1000.0
        assert source.background_sd_nm[1] < 6.0
    inside = field.labels > 0
    assert found_nm[inside].sum() == pytest.approx(field.opd_nm[inside].sum(), rel=0.12)


@pytest.mark.parametrize("above", [1.5, 0.0])
def test_a_frame_out_of_focus_is_reconstructed_at_its_own_distance(tmp_path, above):
    """Frame 3 of 6 was taken at 850 um; 0 turns the search off."""
    makers = [
        FieldMaker(replace(RECIPE, z_um=z_um), OpticsConfig(), np.random.default_rng(5))
        for z_um in (1000, 850)
    ]
    still, blurred = (maker.draw(np.random.default_rng(6)) for maker in makers)
    np.testing.assert_array_equal(still.opd_nm, blurred.opd_nm)
    with create_holograms(
        tmp_path / "holograms.h5",
        n_frames=6,
        first_frame=10,
        dtype=np.uint16,
        background=np.full_like(still.intensity, OPEN_BEAM * 50),
        channels=["R", "G", "B"],
        wavelength_nm=RECIPE.wavelengths_nm,
        pixel_pitch_um=PITCH_UM,
        sources=[["a"]] * 6,
    ) as sink:
        for index in range(6):
            taken = blurred if index == 3 else still
            counts = np.rint(taken.intensity * OPEN_BEAM * 50).astype(np.uint16)
            sink.write(index, time_h=index / 6, counts=counts)
    write_focus(tmp_path / "focus.parquet", still.channels, is_estimated=True)
    reconstruct.run(
        holograms=tmp_path / "holograms.h5",
        focus=tmp_path / "focus.parquet",
        out=tmp_path / "opd.h5",
        optics=OpticsConfig(),
        focus_config=FocusConfig(steps=31, drift="off"),
        config=ReconstructConfig(device="cpu", refocus_above=above),
        storage=StorageConfig(),
        weights=None,
        provenance={},
    )
    with open_opd(tmp_path / "opd.h5") as source:
        others = [index for index in range(6) if index != 3]
        assert set(source.z_um[others]) == {1000.0}
        inside = still.labels > 0
        ratio = source.read(13)[inside].sum() / still.opd_nm[inside].sum()
        if above:
            assert source.z_um[3] == pytest.approx(850, rel=0.01)
            assert source.misfit[3] < 1.3 * np.median(source.misfit[others])
            assert ratio == pytest.approx(1, abs=0.15)
        else:
            assert source.z_um[3] == 1000.0
            assert source.misfit[3] > 1.5 * np.median(source.misfit[others])


def write_frames(path, intensities, first_frame=0):
    with create_holograms(
        path,
        n_frames=len(intensities),
        first_frame=first_frame,
        dtype=np.uint16,
        background=np.full_like(intensities[0], OPEN_BEAM * 50),
        channels=["R", "G", "B"],
        wavelength_nm=RECIPE.wavelengths_nm,
        pixel_pitch_um=PITCH_UM,
        sources=[["a"]] * len(intensities),
    ) as sink:
        for index, intensity in enumerate(intensities):
            counts = np.rint(intensity * OPEN_BEAM * 50).astype(np.uint16)
            sink.write(index, time_h=index / 6, counts=counts)


def run_reconstruct(folder, *, focus_config=None, **settings):
    reconstruct.run(
        holograms=folder / "holograms.h5",
        focus=folder / "focus.parquet",
        out=folder / "opd.h5",
        optics=OpticsConfig(),
        focus_config=focus_config or FocusConfig(),
        config=ReconstructConfig(device="cpu", **settings),
        storage=StorageConfig(),
        weights=None,
        provenance={},
    )


@pytest.mark.parametrize(("drift", "is_estimated"), [("auto", True), ("off", True), ("auto", False)])
def test_a_found_distance_is_followed_where_it_drifts(tmp_path, drift, is_estimated):
    """From 1008 to 1016 um in three frames; found within 2 um. A given distance is taken as it is."""
    frames = [field_at(RECIPE, z_um, seed=71001) for z_um in (1008.0, 1012.0, 1016.0)]
    write_frames(tmp_path / "holograms.h5", [frame.intensity for frame in frames], first_frame=48)
    channels = [replace(channel, z_um=1000.0) for channel in frames[0].channels]
    write_focus(tmp_path / "focus.parquet", channels, is_estimated=is_estimated)
    run_reconstruct(tmp_path, focus_config=FocusConfig(drift=drift))
    with open_opd(tmp_path / "opd.h5") as source:
        z_um = source.z_um[:]
    if drift == "auto" and is_estimated:
        np.testing.assert_allclose(z_um, (1008.0, 1012.0, 1016.0), atol=2.0)
    else:
        np.testing.assert_array_equal(z_um, 1000.0)


def test_where_memory_is_short_the_chunk_is_done_in_tiles(tmp_path, monkeypatch, caplog):
    """The first frame fails half-way, as on a device that others use too; the second is not tried whole."""
    intensity = field_at(RECIPE, 1000.0, seed=71001)
    write_frames(tmp_path / "holograms.h5", [intensity.intensity] * 2)
    write_focus(tmp_path / "focus.parquet", intensity.channels, is_estimated=False)
    few = {"padding_um": 25.0, "iterations_first": 4, "iterations_last": 4}
    run_reconstruct(tmp_path, **few)
    with open_opd(tmp_path / "opd.h5") as source:
        whole_nm = source.read(0)
    real, widths = retriever.retrieve, []

    def small_memory(image, *arguments, **options):
        widths.append(image.shape[-1])
        if image.shape[-1] == RECIPE.shape_yx[1]:
            raise MemoryError("Unable to allocate 1 GiB")
        return real(image, *arguments, **options)

    monkeypatch.setattr(retriever, "retrieve", small_memory)
    monkeypatch.setattr(retriever, "REACH_PX", 24)  # so that tiles of this small field pay
    with caplog.at_level(logging.WARNING):
        run_reconstruct(tmp_path, **few)
    assert widths.count(RECIPE.shape_yx[1]) == 1 and len(widths) == 1 + 2 * 2
    assert "memory was exhausted by a field of 160 x 200 pixels; trying again in 1 x 2 tiles" in caplog.text
    with open_opd(tmp_path / "opd.h5") as source:
        tiled_nm = [source.read(frame) for frame in (0, 1)]
    np.testing.assert_array_equal(*tiled_nm)
    assert np.sqrt(np.mean((tiled_nm[0] - whole_nm) ** 2)) < 0.15 * whole_nm.std()


def test_what_libraries_keep_of_a_gpus_memory_is_handed_back(monkeypatch):
    freed = []
    cupy = SimpleNamespace(
        fft=SimpleNamespace(
            config=SimpleNamespace(
                get_plan_cache=lambda: SimpleNamespace(clear=lambda: freed.append("plans"))
            )
        ),
        get_default_memory_pool=lambda: SimpleNamespace(free_all_blocks=lambda: freed.append("pool")),
    )
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    free_memory("cuda")
    assert freed == ["plans", "pool"]


def test_a_tilted_plate_is_reconstructed_in_tiles(tmp_path):
    """40 um/mm over 0.33 mm are 13 um; each tile gets its own distance, the stack says that of the middle."""
    still = field_at(RECIPE, 1000.0, seed=71001)
    write_frames(tmp_path / "holograms.h5", [still.intensity])
    write_focus(tmp_path / "focus.parquet", still.channels, is_estimated=True, tilt_x_um_per_mm=40.0)
    asked = []
    real = retriever.retrieve
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retriever, "REACH_PX", 24)  # so that tiles of this small field pay
        patch.setattr(
            retriever,
            "retrieve",
            lambda image, channels, **options: (
                asked.append(channels[0].z_um) or real(image, channels, **options)
            ),
        )
        run_reconstruct(tmp_path, padding_um=25.0, iterations_first=2, iterations_last=2)
    assert asked == sorted(asked) and len(asked) > 1 and np.mean(asked) == pytest.approx(1000.0, abs=0.1)
    with open_opd(tmp_path / "opd.h5") as source:
        assert source.z_um[0] == 1000.0


def test_what_fits_badly_is_measured_against_the_rest_of_the_chunk():
    misfits = dict.fromkeys(range(10, 18), 1e-4) | {12: 2e-4}
    assert out_of_focus(misfits, 1.5) == [12]
    assert out_of_focus(misfits, 3.0) == []
    assert out_of_focus(misfits, 0.0) == []
    assert out_of_focus({0: 1e-4, 1: 9e-4}, 1.5) == []  # two frames say nothing of what is usual
