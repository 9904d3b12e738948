"""Stage simulate: errors spoil the files that the table names, and leave every other byte as it is."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import tifffile

from lensfree.acquisitions import Acquisition
from lensfree.config import LoadConfig, OpticsConfig, SimulateConfig, StorageConfig
from lensfree.contracts import FAULTS, FRAMES, TRUTH
from lensfree.io.tables import read_table
from lensfree.io.tiff import BadFrameError, list_frames, read_frame
from lensfree.stages import background, load, simulate

FRAMES_N, SHAPE_YX, CHANNELS = 10, (72, 96), ("R", "B")
NONE = dict(lost_frames=0, dim_frames=0, defocused_frames=0, stage_jumps=0)
QUICK = dict(
    frames=FRAMES_N,
    height_px=SHAPE_YX[0],
    width_px=SHAPE_YX[1],
    cells_per_mm2=700.0,
    oversampling=1,
    spectral_lines=1,
    open_beam_counts=60,  # bright fringes of a plain frame must not reach the top of 8 bits
    seed=3,
)


def acquire(folder: Path, **changes) -> SimpleNamespace:
    acquisition = Acquisition(
        acquisition="a",
        kind="simulated",
        channels=CHANNELS,
        wavelength_nm=(647.0, 450.0),
        pixel_pitch_um=1.67,
        frame_interval_min=10,
    ).in_folder(folder / "tiff")
    simulate.run(
        acquisition=acquisition,
        config=SimulateConfig(**(QUICK | NONE | changes)),
        optics=OpticsConfig(),
        out_dir=folder / "tiff",
        truth=folder / "truth.parquet",
        faults=folder / "faults.parquet",
        provenance={},
    )
    return SimpleNamespace(
        acquisition=acquisition,
        folder=folder,
        truth=read_table(folder / "truth.parquet", TRUTH),
        faults=read_table(folder / "faults.parquet", FAULTS),
    )


def file_of(run: SimpleNamespace, frame: int, channel: str) -> Path:
    return run.folder / "tiff" / f"frame_{frame:04d}_{channel}.tif"


def counts_of(run: SimpleNamespace, frame: int) -> np.ndarray:
    return np.stack([tifffile.imread(file_of(run, frame, channel)) for channel in CHANNELS])


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> SimpleNamespace:
    return acquire(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory) -> SimpleNamespace:
    return acquire(tmp_path_factory.mktemp("spoilt"), lost_frames=2, dim_frames=2, defocused_frames=2)


@pytest.fixture(scope="module")
def jumped(tmp_path_factory) -> SimpleNamespace:
    return acquire(tmp_path_factory.mktemp("jumped"), stage_jumps=1, stage_jump_um=20.0)


def test_without_errors_the_table_is_empty_and_every_frame_is_read(plain):
    assert plain.faults.empty
    for source in list_frames(plain.acquisition.files, CHANNELS):
        assert read_frame(source, 2).shape == (2, *SHAPE_YX)


def test_only_the_files_that_the_table_names_differ(plain, spoilt):
    named = {
        (row.frame, channel)
        for row in spoilt.faults.itertuples()
        for channel in ([row.channel] if row.channel else CHANNELS)
    }
    differing = {
        (frame, channel)
        for frame in range(FRAMES_N)
        for channel in CHANNELS
        if file_of(plain, frame, channel).read_bytes() != file_of(spoilt, frame, channel).read_bytes()
    }
    assert differing == named
    pd.testing.assert_frame_equal(spoilt.truth, plain.truth)


def test_a_lost_file_is_the_beginning_of_the_whole_one(plain, spoilt):
    lost = spoilt.faults.query("kind == 'lost'")
    assert len(lost) == 2
    for row in lost.itertuples():
        whole = file_of(plain, row.frame, row.channel).read_bytes()
        left = file_of(spoilt, row.frame, row.channel).read_bytes()
        assert whole.startswith(left)
        assert len(left) == int(row.amount * len(whole))


def test_loading_records_exactly_the_lost_frames_as_missing(spoilt, tmp_path):
    frames = load_all(spoilt, tmp_path, "gap")
    lost = spoilt.faults.query("kind == 'lost'")
    assert frames.loc[frames["is_missing"], "frame"].tolist() == lost["frame"].tolist()
    for row in lost.itertuples():
        assert file_of(spoilt, row.frame, row.channel).name in frames["reason"][row.frame]
    with pytest.raises(BadFrameError, match=file_of(spoilt, lost["frame"].iloc[0], "").name[:10]):
        load_all(spoilt, tmp_path, "error")


def load_all(run: SimpleNamespace, folder: Path, on_bad_frame: str) -> pd.DataFrame:
    background.run(
        acquisition=run.acquisition,
        method="none",
        frames=[0],
        out=folder / "background.h5",
        config=LoadConfig(on_bad_frame=on_bad_frame),
        storage=StorageConfig(),
        provenance={},
    )
    load.run(
        acquisition=run.acquisition,
        first_frame=0,
        n_frames=FRAMES_N,
        background=folder / "background.h5",
        out=folder / "holograms.h5",
        frames_out=folder / "frames.parquet",
        on_bad_frame=on_bad_frame,
        storage=StorageConfig(),
        provenance={},
    )
    return read_table(folder / "frames.parquet", FRAMES)


def test_weak_light_scales_one_colour_by_the_amount(plain, spoilt):
    dim = spoilt.faults.query("kind == 'dim'")
    assert len(dim) == 2
    for row in dim.itertuples():
        ratio = counts_of(spoilt, row.frame).mean(axis=(1, 2)) / counts_of(plain, row.frame).mean(axis=(1, 2))
        index = CHANNELS.index(row.channel)
        assert ratio[index] == pytest.approx(row.amount, rel=5e-3)
        assert ratio[1 - index] == 1.0


def test_a_frame_out_of_focus_is_that_of_an_acquisition_at_that_distance(spoilt, tmp_path):
    out_of_focus = spoilt.faults.query("kind == 'defocus'")
    assert out_of_focus["amount"].abs().eq(150.0).all()
    for sign, rows in out_of_focus.groupby(np.sign(out_of_focus["amount"])):
        there = acquire(tmp_path / f"{sign:+g}", z_um=1000.0 + sign * 150.0)
        for frame in rows["frame"]:
            np.testing.assert_array_equal(counts_of(spoilt, frame), counts_of(there, frame))


def test_truth_moves_with_the_stage(plain, jumped):
    (jump,) = jumped.faults.itertuples()
    both = plain.truth.merge(jumped.truth, on=["frame", "cell_id"], suffixes=("", "_jumped"))
    moved_um = (both[["y_um_jumped", "x_um_jumped"]].to_numpy() - both[["y_um", "x_um"]].to_numpy()).T
    is_after = (both["frame"] >= jump.frame).to_numpy()
    assert is_after.any() and not is_after.all()
    assert not moved_um[:, ~is_after].any()
    for along, expected_um in zip(moved_um, (jump.shift_y_um, jump.shift_x_um), strict=True):
        np.testing.assert_allclose(along[is_after], expected_um)
    limits_um = np.array(SHAPE_YX) * 1.67
    assert jumped.truth[["y_um", "x_um"]].to_numpy().min() >= 0
    assert (jumped.truth[["y_um", "x_um"]].to_numpy() <= limits_um).all()
    assert set(jumped.truth["cell_id"]) - set(plain.truth["cell_id"])  # others come into the field


def test_holograms_move_with_the_stage(plain, jumped):
    (jump,) = jumped.faults.itertuples()
    for frame in range(FRAMES_N):
        before, after = (counts_of(run, frame).astype(float) for run in (plain, jumped))
        expected_um = (jump.shift_y_um, jump.shift_x_um) if frame >= jump.frame else (0.0, 0.0)
        np.testing.assert_allclose(shift_um(before, after), expected_um, atol=1.67)


def shift_um(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """How far the second image is displaced against the first, to a pixel, by correlation."""
    window = np.hanning(SHAPE_YX[0])[:, None] * np.hanning(SHAPE_YX[1])[None, :]
    spectra = [
        np.fft.fft2((image - image.mean(axis=(1, 2), keepdims=True)) * window) for image in (first, second)
    ]
    correlation = np.fft.ifft2(spectra[0].conj() * spectra[1]).real.sum(axis=0)
    peak = np.array(np.unravel_index(correlation.argmax(), SHAPE_YX))
    half = np.array(SHAPE_YX) // 2
    return ((peak + half) % SHAPE_YX - half) * 1.67


def test_too_many_errors_stop_before_a_file_is_written(tmp_path):
    with pytest.raises(ValueError, match=r"got 9 acquisition errors .* for 10 frames, expected at most 8"):
        acquire(tmp_path, lost_frames=9)
    assert list(tmp_path.iterdir()) == []
