"""A tiny acquisition with a known story, as tables, as pictures and as files.

Three cells in a field of 64 x 96 pixels over 36 h: cell 0 grows; cell 1 divides at 15 h into 2 and 3;
cell 2 loses half of its dry mass at 30 h. Series 0 follows cell 0, series 1 cells 1 -> 2, series 2
cells 1 -> 3. The windows are written by hand: series 1 fails from its 20th window on. They are judged twice:
by the published method (`world`, `files`) and by surprise (`surprised`, `surprised_files`), where series 2
is suspected to be an error of tracking and a fourth series is too short to be judged.
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
SURPRISE_TAU = 5.0
SURPRISE_THRESHOLD = 5.6
AS_NORMAL = "growth, divisions and dry mass are those of a normal cell"
LOST = (
    "from 30.0 h on dry mass fell from 375 to 188 pg, by 50 %, and the cell did not divide in the 5.8 h after"
)
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
    table = pd.DataFrame(rows, columns=["series_id", "start_h", "forecast_mse", "is_abnormal"])
    return table.assign(surprise=np.nan)


def _scores(windows: pd.DataFrame) -> pd.DataFrame:
    grouped = windows.groupby("series_id")["is_abnormal"]
    table = pd.DataFrame({"n_windows": grouped.size(), "anomaly_score": grouped.mean()}).reset_index()
    return table.assign(
        is_flagged=table["anomaly_score"] > 0,
        surprise=np.nan,
        normal_share=np.nan,
        view="",
        kind=["unclear", "dry_mass_loss", "unclear"],
        is_acquisition=False,
        onset_h=[np.nan, 30.0, np.nan],
        evidence=[AS_NORMAL, LOST, AS_NORMAL],
        model="shipped forecast 1",
    )


def _surprised(windows: pd.DataFrame, scores: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables of the default method: series 1 most surprised, series 2 less, series 0 hardly."""
    surprise = np.where(windows["is_abnormal"], 8.0, 1.0 + windows["series_id"])
    windows = windows.assign(surprise=surprise, is_abnormal=surprise > SURPRISE_TAU)
    scores = scores.assign(
        surprise=[1.2, 9.5, 6.5],
        normal_share=[0.35, 2e-5, 0.0031],
        view=["forecast", "tenth", "third"],
        is_flagged=[False, True, True],
        kind=["unclear", "dry_mass_loss", "swap"],
        is_acquisition=[False, False, True],
        onset_h=[np.nan, 30.0, 20.1],
        evidence=[AS_NORMAL, LOST, "from 20.1 h on it is another cell"],
        model="shipped detector 1",
    )
    nan = dict.fromkeys(("anomaly_score", "surprise", "normal_share", "onset_h"), np.nan)
    words = {**dict.fromkeys(("view", "kind", "evidence"), ""), "model": "shipped detector 1"}
    short = {"series_id": 3, "n_windows": 0, "is_flagged": False, "is_acquisition": False, **nan, **words}
    return windows, pd.concat([scores, pd.DataFrame([short])], ignore_index=True)


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
def surprised(world: SimpleNamespace) -> SimpleNamespace:
    """The same cells judged by surprise."""
    windows, scores = _surprised(world.windows, world.scores)
    return SimpleNamespace(**{**vars(world), "windows": windows, "scores": scores})


@pytest.fixture(scope="session")
def surprised_files(
    surprised: SimpleNamespace, files: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory
) -> SimpleNamespace:
    """The same files with the tables of the default method."""
    folder: Path = tmp_path_factory.mktemp("surprised")
    paths = {name: folder / f"{name}.parquet" for name in ("windows", "scores")}
    used = {"tau": SURPRISE_TAU, "surprise_threshold": SURPRISE_THRESHOLD}
    write_table(paths["windows"], surprised.windows[list(WINDOWS.columns)], WINDOWS, provenance=used)
    write_table(paths["scores"], surprised.scores[list(SCORES.columns)], SCORES, provenance=used)
    return SimpleNamespace(**{**vars(files), **paths})


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
