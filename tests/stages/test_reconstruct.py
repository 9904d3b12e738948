"""Stages focus and reconstruct on a tiny simulated acquisition with known truth."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from lensfree.acquisitions import Acquisition
from lensfree.config import FocusConfig, OpticsConfig, ReconstructConfig, StorageConfig
from lensfree.contracts import FOCUS
from lensfree.io.stacks import create_holograms, open_opd
from lensfree.io.tables import read_table, write_table
from lensfree.stages import focus, reconstruct
from lensfree.stages.refocus import out_of_focus
from lensfree.stages.training_fields import FieldMaker, FieldRecipe

PITCH_UM = 1.67
OPEN_BEAM = 200.0
RECIPE = FieldRecipe(
    shape_yx=(160, 200),
    pixel_pitch_um=PITCH_UM,
    wavelengths_nm=(647.0, 540.0, 450.0),
    z_um=1000.0,
    colour_shift_um=4.0,
    cells_per_mm2=150.0,
    round_fraction=0.0,
    sensor_noise=0.005,
    background_amplitude=0.0,
    background_error=0.0,
)
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


def test_focus_finds_distance_and_shifts_of_the_colours(field, holograms, tmp_path):
    focus.run(
        holograms=holograms,
        out=tmp_path / "focus.parquet",
        acquisition=ACQUISITION,
        optics=OpticsConfig(),
        config=FocusConfig(z_min_um=700, z_max_um=1500, steps=21, iterations=8),
        reconstruct=ReconstructConfig(device="cpu"),
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
        provenance={},
    )
    found = read_table(tmp_path / "focus.parquet", FOCUS)
    assert list(found["z_um"]) == [990.0, 991.0, 992.0]
    assert not found["is_estimated"].any()
    assert not found[["shift_y_um", "shift_x_um"]].to_numpy().any()


def test_reconstruct_keeps_dry_mass_and_gaps(field, holograms, tmp_path):
    true_channels = pd.DataFrame([vars(channel) for channel in field.channels])
    write_table(
        tmp_path / "focus.parquet", true_channels.assign(channel=list("RGB"), is_estimated=False), FOCUS
    )
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
    channels = pd.DataFrame([vars(channel) for channel in still.channels])
    write_table(tmp_path / "focus.parquet", channels.assign(channel=list("RGB"), is_estimated=True), FOCUS)
    reconstruct.run(
        holograms=tmp_path / "holograms.h5",
        focus=tmp_path / "focus.parquet",
        out=tmp_path / "opd.h5",
        optics=OpticsConfig(),
        focus_config=FocusConfig(steps=31),
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


def test_what_fits_badly_is_measured_against_the_rest_of_the_chunk():
    misfits = dict.fromkeys(range(10, 18), 1e-4) | {12: 2e-4}
    assert out_of_focus(misfits, 1.5) == [12]
    assert out_of_focus(misfits, 3.0) == []
    assert out_of_focus(misfits, 0.0) == []
    assert out_of_focus({0: 1e-4, 1: 9e-4}, 1.5) == []  # two frames say nothing of what is usual
