"""Retrieval in tiles: the same answer, for a tilted plate and where memory is short."""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import strict_cupy
from fields import FLAT_CELLS
from scenes import CONFIG, OPTICS, PITCH_UM, RGB, cells_opd_nm, holograms

from lensfree.config import OpticsConfig
from lensfree.nets.plain_cnn import PlainCnnSpec
from lensfree.nets.weights import read_card
from lensfree.optics.plate import Tilt
from lensfree.phase import retriever as module
from lensfree.phase.problem import Retrieval, _transfers
from lensfree.phase.retriever import REACH_PX, Retriever
from lensfree.stages.training_fields import FieldMaker

WIDE = replace(FLAT_CELLS, shape_yx=(180, 500))
NARROW = CONFIG.model_copy(update={"padding_um": 10.0, "iterations_first": 3, "iterations_last": 3})
SHAPE_YX = (190, 330)


class OutOfMemoryError(RuntimeError):
    """Torch's has this name, and CuPy's too, but that is a MemoryError."""


@pytest.fixture(autouse=True)
def near_sighted(monkeypatch):
    """Small fields, so that tests are fast: no refinement here looks farther than this."""
    monkeypatch.setattr(module, "REACH_PX", 24)


@pytest.fixture(scope="module")
def wide():
    rng = np.random.default_rng(71001)
    return FieldMaker(WIDE, OpticsConfig(), rng).draw(rng)


@pytest.fixture
def frame():
    """Smooth 'holograms' for a retrieval that is none: see `pretended`."""
    y, x = np.mgrid[: SHAPE_YX[0], : SHAPE_YX[1]]
    plane = 1 + 0.2 * np.sin(y / 9) * np.cos(x / 13)
    return np.stack([plane, plane]).astype(np.float32)


@pytest.fixture
def pretended(monkeypatch):
    """Stand-in for `retrieve`: OPD is the intensity, off by a level of its own; memory holds `most_px`."""
    calls = []

    def retrieve(intensity, channels, *, saturated=None, **_):
        size = intensity.shape[-2] * intensity.shape[-1]
        calls.append((tuple(intensity.shape[-2:]), channels[0]))
        if size > pretended.most_px:
            raise pretended.error
        level_nm = np.float32(10 * len(calls))
        light = np.nan_to_num(intensity, nan=1.0)
        return Retrieval(100 * light[0] + level_nm, light[1] - 1, 1e-4, 2e-4, len(calls) == 4, 10)

    pretended.most_px, pretended.error = 10**9, MemoryError("Out of memory allocating 5 bytes")
    pretended.calls = calls
    monkeypatch.setattr(module, "retrieve", retrieve)
    return pretended


pretended_channels = RGB[:2]
NEAR = [replace(channel, z_um=600.0) for channel in RGB]


def make(config=NARROW, **others) -> Retriever:
    return Retriever(PITCH_UM, OPTICS, config, **others)


def test_tiles_give_what_the_whole_field_gives(wide):
    """Measured 0.3 nm rms where noise and model alone leave 3 nm; no step and no tilt at the seam."""
    whole = make(CONFIG)(wide.intensity, wide.channels, wide.saturated)
    in_two = make(CONFIG)
    in_two._least_yx = (1, 2)
    tiled = in_two(wide.intensity, wide.channels, wide.saturated)
    difference_nm = tiled.opd_nm - whole.opd_nm
    seam = slice(250 - 100, 250 + 100)
    assert (wide.labels[:, 250] > 0).any(), "no cell lies across the seam"
    assert np.sqrt(np.mean(difference_nm**2)) < 0.6
    assert abs(np.median(difference_nm[:, :250]) - np.median(difference_nm[:, 250:])) < 0.3
    inside = wide.labels[:, seam] > 0
    assert tiled.opd_nm[:, seam][inside].sum() == pytest.approx(whole.opd_nm[:, seam][inside].sum(), rel=0.01)
    assert np.sqrt(np.mean((tiled.absorption - whole.absorption) ** 2)) < 2e-3
    assert tiled.misfit == pytest.approx(whole.misfit, rel=0.1)
    assert tiled.n_evaluations > 1.5 * whole.n_evaluations


@pytest.mark.parametrize("library", ["numpy", "cupy"])
def test_memory_that_is_too_small_makes_tiles_not_a_crash(monkeypatch, caplog, library):
    xp = strict_cupy.install(monkeypatch) if library == "cupy" else np
    intensity = holograms(cells_opd_nm(), np.zeros_like(cells_opd_nm()), NEAR)
    whole = make()(xp.asarray(intensity), NEAR)
    sizes, freed = [], []
    real = module.retrieve

    def small_memory(image, *arguments, **options):
        sizes.append(tuple(image.shape[-2:]))
        if image.shape[-1] > 100:
            raise MemoryError("Out of memory allocating 110,592 bytes")
        return real(image, *arguments, **options)

    monkeypatch.setattr(module, "retrieve", small_memory)
    retriever = make(free_memory=lambda: freed.append(_transfers.cache_info().currsize))
    with caplog.at_level(logging.WARNING):
        tiled = retriever(xp.asarray(intensity), NEAR)
        again = retriever(xp.asarray(intensity), NEAR)
    assert type(tiled.opd_nm) is type(whole.opd_nm) and tuple(tiled.opd_nm.shape) == intensity.shape[-2:]
    opd_nm, expected_nm, repeated_nm = (
        image if library == "numpy" else image.get() for image in (tiled.opd_nm, whole.opd_nm, again.opd_nm)
    )
    assert np.sqrt(np.mean((opd_nm - expected_nm) ** 2)) < 0.1 * expected_nm.std()
    np.testing.assert_array_equal(opd_nm, repeated_nm)
    assert sizes == [(96, 144), *[(96, 90)] * 4], "the whole field was tried again"
    assert freed == [0], "transfer functions of the whole field are still held"
    assert [record.message for record in caplog.records] == [
        "memory was exhausted by a field of 96 x 144 pixels; trying again in 1 x 2 tiles, for the rest of "
        "this chunk (Out of memory allocating 110,592 bytes)"
    ]


def test_tiles_grow_smaller_until_they_fit(pretended, frame):
    pretended.most_px = 113 * 120
    freed = []
    found = make(free_memory=lambda: freed.append(True))(frame, pretended_channels)
    tried = [shape for shape, _ in pretended.calls if shape[0] * shape[1] > pretended.most_px]
    assert tried == [(190, 330), (113, 183)] and len(freed) == 2
    assert {shape for shape, _ in pretended.calls} - set(tried) == {(113, 110)}
    np.testing.assert_allclose(
        found.opd_nm - found.opd_nm.mean(), 100 * (frame[0] - frame[0].mean()), atol=0.05
    )
    np.testing.assert_allclose(found.absorption, frame[1] - 1, atol=1e-5)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 5 GiB"),
        OutOfMemoryError("CUDA out of memory. Tried to allocate 5.00 GiB."),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 5 bytes"),
        RuntimeError("cuFFT error: CUFFT_ALLOC_FAILED"),
    ],
)
def test_every_way_of_saying_it_is_understood(pretended, frame, error):
    pretended.most_px, pretended.error = 113 * 183, error
    assert make()(frame, pretended_channels).opd_nm.shape == SHAPE_YX


def test_where_nothing_fits_it_says_what_to_do(pretended, frame):
    pretended.most_px = 100
    says = (
        r"memory was exhausted by a field of 190 x 330 pixels in \d x \d tiles, expected it to hold tiles of "
        r"about 72 pixels on a side, the smallest that are useful; free memory, or set reconstruct.device"
    )
    with pytest.raises(MemoryError, match=says):
        make()(frame, pretended_channels)


def test_other_errors_are_not_taken_for_want_of_memory(pretended, frame):
    pretended.most_px, pretended.error = 100, ValueError("got an intensity without a finite pixel")
    with pytest.raises(ValueError, match="without a finite pixel"):
        make()(frame, pretended_channels)
    assert len(pretended.calls) == 1


def test_the_answer_of_tiles_sums_up_theirs(pretended, frame):
    retriever = make()
    retriever._least_yx = (2, 2)
    found = retriever(frame, pretended_channels)
    assert found.n_evaluations == 40 and found.refine_rejected  # the fourth's was
    assert (found.misfit, found.misfit_first) == pytest.approx((1e-4, 2e-4))


def test_a_tilted_plate_gives_each_tile_its_own_distance(pretended, frame):
    """30 um/mm over 0.55 mm of columns: 16.5 um of 1000, four times what one distance may span."""
    retriever = make(tilt=Tilt(y_um_per_mm=-1.0, x_um_per_mm=30.0), z_tolerance=0.002)
    retriever(frame, pretended_channels)
    z_um = [channel.z_um for _, channel in pretended.calls]
    centres_mm = [
        (n + 0.5 - len(z_um) / 2) / len(z_um) * SHAPE_YX[1] * PITCH_UM / 1000 for n in range(len(z_um))
    ]
    assert len(z_um) == 5 and all(shape[0] == SHAPE_YX[0] for shape, _ in pretended.calls)
    assert np.diff(z_um).min() > 0 and np.mean(z_um) == pytest.approx(RGB[0].z_um, abs=0.03)
    # Overlaps draw the centres of the outer tiles in.
    assert np.ptp(z_um) == pytest.approx(30 * np.ptp(centres_mm), rel=0.2)


@pytest.mark.parametrize("tilt", [Tilt(), Tilt(4.0, -6.0)])
def test_a_plate_that_is_flat_enough_is_one_field(pretended, frame, tilt):
    make(tilt=tilt)(frame, pretended_channels)
    assert [shape for shape, _ in pretended.calls] == [SHAPE_YX]


def test_tiles_stay_wide_enough_for_a_far_sensor():
    """At 4 mm fringes of four pixels walk 280 px; narrower tiles would be refused."""
    far = [RGB[2].__class__(640.0, 4000.0)]
    retriever = make(tilt=Tilt(0.0, 400.0))
    ny, nx = retriever._counts_yx((500, 1200), far)
    near = make(tilt=Tilt(0.0, 400.0))._counts_yx((500, 1200), RGB)
    assert ny == 1 and nx < near[1]
    assert (1200 + (nx - 1) * retriever._overlap_px) / nx >= 640e-3 * 4000 / (2 * PITCH_UM**2)


def test_a_corner_that_was_not_recorded_stays_empty(pretended, frame):
    frame[:, :113, :183] = np.nan
    frame = np.ascontiguousarray(frame)
    retriever = make()
    retriever._least_yx = (2, 2)
    found = retriever(frame, pretended_channels)
    assert len(pretended.calls) == 3
    assert not found.absorption[:70, :140].any()
    np.testing.assert_allclose(found.absorption[113:], frame[1, 113:] - 1, atol=1e-3)


def test_the_shipped_cnn_looks_no_farther_than_tiles_reckon_with():
    spec = PlainCnnSpec.from_metadata(read_card(Path(__file__).parents[2] / "models" / "unwrap.safetensors"))
    assert spec.layers * spec.stride <= REACH_PX
