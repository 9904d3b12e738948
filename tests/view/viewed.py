"""A tiny acquisition on disk for the viewer: a mother, two daughters, one of which is flagged; synthetic."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from cases import INTERVAL_H, two_generations

from lensfree.config import QuantifyConfig, ScoreConfig
from lensfree.contracts import CELLS, SCORES, SERIES, TRACKS, WINDOWS
from lensfree.io.stacks import create_holograms, create_opd
from lensfree.io.tables import write_table

SHAPE_YX = (150, 130)
PITCH_UM = 1.5
N_FRAMES = 120
CHUNK = 50
MISSING_FRAME = 7
ONSET_H = 100 * INTERVAL_H
WORST_START_H = 3.0
TOP_NM = 90.0
SD_UM = 4.0


def opd_nm(tracks: pd.DataFrame, frame: int) -> np.ndarray:
    """Return the map of a frame: a Gaussian bump per cell, and the number of the frame in the corner."""
    y_um, x_um = (np.arange(n) * PITCH_UM for n in SHAPE_YX)
    image = np.zeros(SHAPE_YX)
    for row in tracks[tracks["frame"] == frame].itertuples():
        squared = (y_um[:, None] - row.y_um) ** 2 + (x_um[None, :] - row.x_um) ** 2
        image += TOP_NM * np.exp(-squared / (2 * SD_UM**2))
    image[0, 0] = frame / 10
    return image


def write_opd(folder: Path, tracks: pd.DataFrame) -> None:
    for chunk, first in enumerate(range(0, N_FRAMES, CHUNK)):
        n = min(CHUNK, N_FRAMES - first)
        path = folder / "opd" / f"{chunk:04d}.h5"
        with create_opd(
            path, n_frames=n, first_frame=first, shape_yx=SHAPE_YX, pixel_pitch_um=PITCH_UM
        ) as writer:
            for index in range(n):
                frame = first + index
                image = None if frame == MISSING_FRAME else opd_nm(tracks, frame)
                writer.write(
                    index,
                    time_h=frame * INTERVAL_H,
                    opd_nm=image,
                    absorption=None if image is None else image / 1000,
                )


def write_holograms(folder: Path, wavelength_nm: tuple[float, ...]) -> None:
    n_channels = len(wavelength_nm)
    with create_holograms(
        folder / "holograms" / "0000.h5",
        n_frames=CHUNK,
        first_frame=0,
        dtype=np.uint8,
        background=np.full((n_channels, *SHAPE_YX), 100.0, dtype=np.float32),
        channels=[str(k) for k in range(n_channels)],
        wavelength_nm=wavelength_nm,
        pixel_pitch_um=PITCH_UM,
        sources=[["made"]] * CHUNK,
    ) as writer:
        for frame in range(CHUNK):
            counts = np.full((n_channels, *SHAPE_YX), 100, dtype=np.uint8)
            counts[0, 0, 0] = 150
            is_missing = frame == MISSING_FRAME
            writer.write(
                frame, time_h=frame * INTERVAL_H, counts=None if is_missing else counts, reason="gone"
            )


def the_tracks() -> pd.DataFrame:
    tracks = two_generations()
    tracks = tracks[tracks["frame"] != MISSING_FRAME]
    is_shared = (tracks["cell_id"] == 4) & tracks["frame"].between(90, 92)
    return tracks.assign(is_shared=is_shared).reset_index(drop=True)


def the_scores() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Series 5 (0-1-3) is flagged from ONSET_H on, 6 (0-1-4) a suspected error, 7 (0-2) normal."""
    tracks = the_tracks()
    parts = []
    for series_id, path in ((5, (0, 1, 3)), (6, (0, 1, 4)), (7, (0, 2))):
        rows = tracks[tracks["cell_id"].isin(path)]
        parts.append(
            rows[["cell_id", "time_h", "dry_mass_pg"]].assign(
                series_id=series_id, is_filled=False, is_repeated=False
            )
        )
    windows = pd.DataFrame(
        {
            "series_id": [5, 6, 6, 7],
            "start_h": [0.0, 0.0, WORST_START_H, 0.0],
            "forecast_mse": [0.9, 0.2, 0.3, 0.1],
            "surprise": [9.0, 2.0, 6.0, 1.0],
            "is_abnormal": [True, False, True, False],
        }
    )
    scores = pd.DataFrame(
        {
            "series_id": [5, 6, 7],
            "n_windows": [1, 2, 1],
            "anomaly_score": [1.0, 0.5, 0.0],
            "surprise": [9.0, 6.0, 1.0],
            "normal_share": [1e-5, 1e-3, 0.4],
            "view": ["window", "third", "tenth"],
            "is_flagged": [True, True, False],
            "kind": ["slow_growth", "swap", "unclear"],
            "is_acquisition": [False, True, False],
            "onset_h": [ONSET_H, np.nan, np.nan],
            "evidence": ["it grew by 2 % per h", "it is another cell", ""],
            "model": "made by hand",
        }
    )
    return pd.concat(parts, ignore_index=True), windows, scores


def write_tables(folder: Path) -> None:
    tracks = the_tracks()
    series, windows, scores = the_scores()
    score = ScoreConfig(input_points=30, target_points=12).model_dump(mode="json")
    write_table(folder / "tracks.parquet", tracks, TRACKS)
    write_table(folder / "series.parquet", series, SERIES)
    write_table(folder / "windows.parquet", windows, WINDOWS)
    write_table(folder / "scores.parquet", scores, SCORES, provenance={"config": score})
    write_cells(folder)


def write_cells(folder: Path) -> None:
    quantify = QuantifyConfig(threshold_nm=20.0).model_dump(mode="json")
    cells = the_tracks()[list(CELLS.columns)]
    write_table(folder / "cells" / "0000.parquet", cells, CELLS, provenance={"config": quantify})
