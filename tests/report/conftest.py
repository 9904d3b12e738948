"""A tiny acquisition with a known story, as tables, as pictures and as files.

Three cells in a field of 64 x 96 pixels over 36 h: cell 0 grows; cell 1 divides at 15 h into 2 and 3;
cell 2 loses half of its dry mass at 30 h. Series 0 follows cell 0, series 1 cells 1 -> 2, series 2
cells 1 -> 3. The windows are written by hand: series 1 fails from its 20th window on.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from lensfree.acquisitions import Acquisition
from lensfree.config import ScoreConfig
from lensfree.contracts import CELLS, FAULTS, FOCUS, FRAMES, SCORES, SERIES, TRACKS, TRUTH, WINDOWS
from lensfree.io.stacks import create_holograms, create_opd
from lensfree.io.tables import write_table

SHAPE_YX = (64, 96)
PITCH_UM = 1.67
N_FRAMES = 216
INTERVAL_H = 1 / 6
MISSING_FRAME = 100
TAU_W = 0.5
WAVELENGTH_NM = (450.0, 540.0, 647.0)
CHUNKS = ((0, 108), (108, 108))


def _tracks() -> pd.DataFrame:
    rows = []
    for cell_id, parent_id, lineage_id, first, last in (
        (0, -1, 0, 0, 216),
        (1, -1, 1, 0, 90),
        (2, 1, 1, 90, 216),
        (3, 1, 1, 90, 216),
    ):
        for frame in range(first, last):
            if frame == MISSING_FRAME:
                continue
            hours = frame * INTERVAL_H
            y_um = {0: 30.0, 1: 70.0, 2: 60.0, 3: 85.0}[cell_id]
            x_um = {0: 40.0 + hours, 1: 100.0, 2: 100.0 + hours - 15, 3: 100.0}[cell_id]
            dry_mass_pg = {0: 300 + 5 * hours, 1: 300 + 20 * hours, 2: 300 + 5 * hours, 3: 280 + 5 * hours}[
                cell_id
            ]
            if cell_id == 2 and hours >= 30:
                dry_mass_pg /= 2
            rows.append((frame, hours, y_um, x_um, float(dry_mass_pg), cell_id, parent_id, lineage_id))
    names = ["frame", "time_h", "y_um", "x_um", "dry_mass_pg", "cell_id", "parent_id", "lineage_id"]
    table = pd.DataFrame(rows, columns=names)
    table["dry_mass_se_pg"] = 0.05 * table["dry_mass_pg"]
    return table.assign(
        area_um2=300.0,
        max_opd_nm=200.0,
        length_um=22.0,
        touches_border=False,
        model="reference 1",
        is_shared=False,
    )


def _series(tracks: pd.DataFrame) -> pd.DataFrame:
    parts = []
    for series_id, path in ((0, (0,)), (1, (1, 2)), (2, (1, 3))):
        part = tracks[tracks["cell_id"].isin(path)].sort_values("time_h")
        filled = pd.DataFrame({"frame": np.arange(N_FRAMES)}).merge(part, how="left", on="frame")
        is_filled = filled["cell_id"].isna()
        filled["cell_id"] = filled["cell_id"].ffill().astype("int64")
        filled["dry_mass_pg"] = filled["dry_mass_pg"].interpolate()
        filled["time_h"] = filled["frame"] * INTERVAL_H
        parts.append(
            filled[["cell_id", "time_h", "dry_mass_pg"]].assign(
                series_id=series_id,
                is_filled=is_filled,
                is_repeated=series_id == 2 and filled["cell_id"] == 1,
            )
        )
    return pd.concat(parts, ignore_index=True)


def _windows() -> pd.DataFrame:
    rows = []
    for series_id in (0, 1, 2):
        for index in range(37):
            mse = 0.1 + 0.001 * index + (0.9 if series_id == 1 and index >= 20 else 0.0)
            rows.append((series_id, index * INTERVAL_H, mse, mse > TAU_W))
    return pd.DataFrame(rows, columns=["series_id", "start_h", "forecast_mse", "is_abnormal"])


def _scores(windows: pd.DataFrame) -> pd.DataFrame:
    grouped = windows.groupby("series_id")["is_abnormal"]
    table = pd.DataFrame({"n_windows": grouped.size(), "anomaly_score": grouped.mean()}).reset_index()
    return table.assign(is_flagged=table["anomaly_score"] > 0, model="shipped forecast 1")


def draw_opd_nm(cells: pd.DataFrame) -> np.ndarray:
    """Return discs-like bumps of OPD at the cells' places."""
    y_um, x_um = (np.arange(n) * PITCH_UM for n in SHAPE_YX)
    image = np.zeros(SHAPE_YX)
    for row in cells.itertuples():
        squared = (y_um[:, None] - row.y_um) ** 2 + (x_um[None, :] - row.x_um) ** 2
        image += row.max_opd_nm * np.exp(-squared / (2 * 5.0**2))
    return image


def _faults() -> pd.DataFrame:
    """One error of each kind; of the two files cut short loading could still read one."""
    rows = [
        (40, "dim", "G", 0.625, 0.0, 0.0),
        (MISSING_FRAME, "lost", "B", 0.3, 0.0, 0.0),
        (120, "defocus", "", -150.0, 0.0, 0.0),
        (130, "stage_jump", "", 5.0, 3.0, 4.0),
        (140, "lost", "R", 0.875, 0.0, 0.0),
    ]
    table = pd.DataFrame(rows, columns=["frame", "kind", "channel", "amount", "shift_y_um", "shift_x_um"])
    return table.assign(time_h=table["frame"] * INTERVAL_H)


@pytest.fixture(scope="session")
def world() -> SimpleNamespace:
    """The tables of the acquisition."""
    tracks = _tracks()
    windows = _windows()
    per_frame = pd.DataFrame({"frame": np.arange(N_FRAMES), "time_h": np.arange(N_FRAMES) * INTERVAL_H})
    is_missing = per_frame["frame"] == MISSING_FRAME
    truth = tracks.assign(state="flat", anomaly="", is_abnormal=False)
    truth.loc[truth["cell_id"] == 2, ["anomaly", "is_abnormal"]] = ["loss", True]
    return SimpleNamespace(
        tracks=tracks,
        cells=tracks[list(CELLS.columns)],
        series=_series(tracks),
        windows=windows,
        scores=_scores(windows),
        truth=truth[list(TRUTH.columns)],
        faults=_faults(),
        per_frame=per_frame.assign(
            is_missing=is_missing,
            reason=np.where(is_missing, "truncated <file>", ""),
            z_um=1000.0,
            misfit=0.02,
            background_sd_nm=2.0,
        ),
        score=ScoreConfig(),
        field_um=tuple((n - 1) * PITCH_UM for n in SHAPE_YX),
    )


@pytest.fixture(scope="session")
def acquisition() -> Acquisition:
    """The sheet's row of the acquisition."""
    return Acquisition(
        acquisition="tiny",
        dataset="toys",
        kind="simulated",
        wavelength_nm=WAVELENGTH_NM,
        pixel_pitch_um=PITCH_UM,
        z_um="1000",
        frame_interval_min=10,
        well="B2",
        condition="control",
        note="A <b>tiny</b> world.",
    )


@pytest.fixture(scope="session")
def files(world: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """The acquisition as the stages would have written it, in two chunks."""
    folder: Path = tmp_path_factory.mktemp("acquisition")
    paths = SimpleNamespace(
        **{
            name: folder / f"{name}.parquet"
            for name in ("frames", "focus", "tracks", "series", "windows", "scores", "truth", "faults")
        },
        opd=[folder / f"opd_{first:04d}.h5" for first, _ in CHUNKS],
        holograms=[folder / f"holograms_{first:04d}.h5" for first, _ in CHUNKS],
        cells=[folder / f"cells_{first:04d}.parquet" for first, _ in CHUNKS],
    )
    for (first, n_frames), *chunk in zip(CHUNKS, paths.opd, paths.holograms, paths.cells, strict=True):
        _write_chunk(world, first, n_frames, *chunk)
    write_table(paths.tracks, world.tracks, TRACKS)
    write_table(paths.series, world.series, SERIES)
    write_table(paths.windows, world.windows, WINDOWS, provenance={"tau": TAU_W})
    write_table(paths.scores, world.scores, SCORES)
    write_table(paths.truth, world.truth, TRUTH)
    write_table(paths.faults, world.faults, FAULTS)
    frames = world.per_frame[["frame", "time_h", "is_missing", "reason"]]
    write_table(paths.frames, frames.assign(mean_intensity=1.0, saturated_fraction=0.0), FRAMES)
    focus = pd.DataFrame({"channel": ["B", "G", "R"], "wavelength_nm": WAVELENGTH_NM, "z_um": 1000.0})
    flat = dict.fromkeys(("shift_y_um", "shift_x_um", "tilt_y_um_per_mm", "tilt_x_um_per_mm"), 0.0)
    write_table(paths.focus, focus.assign(**flat, is_estimated=False), FOCUS)
    return paths


def _write_chunk(
    world: SimpleNamespace, first: int, n_frames: int, opd: Path, holograms: Path, cells: Path
) -> None:
    common = dict(n_frames=n_frames, first_frame=first, pixel_pitch_um=PITCH_UM)
    with (
        create_opd(opd, shape_yx=SHAPE_YX, **common) as opd_out,
        create_holograms(
            holograms,
            dtype=np.uint8,
            background=np.full((3, *SHAPE_YX), 100.0, dtype=np.float32),
            channels=("B", "G", "R"),
            wavelength_nm=WAVELENGTH_NM,
            sources=[["x.tif"]] * n_frames,
            **common,
        ) as holograms_out,
    ):
        for index in range(n_frames):
            frame = first + index
            opd_nm = draw_opd_nm(world.cells[world.cells["frame"] == frame])
            is_missing = frame == MISSING_FRAME
            counts = np.stack([100 - opd_nm / 10] * 3).astype(np.uint8)
            holograms_out.write(index, time_h=frame * INTERVAL_H, counts=None if is_missing else counts)
            opd_out.write(
                index,
                time_h=frame * INTERVAL_H,
                opd_nm=None if is_missing else opd_nm,
                z_um=1000.0,
                misfit=0.02,
                background_sd_nm=2.0,
            )
    write_table(cells, world.cells[world.cells["frame"].between(first, first + n_frames - 1)], CELLS)
