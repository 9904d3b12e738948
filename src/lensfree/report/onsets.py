"""Where and when to look at a series: the cell, frame and place at the onset of what is wrong with it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lensfree.config import ScoreConfig
from lensfree.report.content import Place
from lensfree.report.spans import forecast_centre_h, window_centre_h


def place_at(series: pd.DataFrame, tracks: pd.DataFrame, time_h: float) -> Place | None:
    """Return where the cell of a series was found nearest in time; None if it never was.

    Args:
        series: rows of one series.
        tracks: the tracks table.
        time_h: when.
    """
    if series.empty or not np.isfinite(time_h):
        return None
    nearest = int(np.abs(series["time_h"].to_numpy() - time_h).argmin())
    of_series = tracks["cell_id"].isin(series["cell_id"].unique())
    first_h, last_h = series["time_h"].min() - 1e-6, series["time_h"].max() + 1e-6
    seen = tracks[of_series & tracks["time_h"].between(first_h, last_h)]
    own = seen[seen["cell_id"] == series["cell_id"].to_numpy()[nearest]]
    seen = own if len(own) else seen
    if seen.empty:
        return None
    row = seen.iloc[int(np.abs(seen["time_h"].to_numpy() - time_h).argmin())]
    return Place(
        cell_id=int(row["cell_id"]),
        frame=int(row["frame"]),
        time_h=float(row["time_h"]),
        y_um=float(row["y_um"]),
        x_um=float(row["x_um"]),
    )


def worst_hour(windows: pd.DataFrame, score: ScoreConfig) -> float:
    """Return the middle [h] of what was most unusual: of the most surprising window, or of the hours whose
    forecast was worst where there is no surprise.

    Args:
        windows: rows of the windows table, of one series, at least one.
        score: settings of the windows.
    """
    if windows["surprise"].notna().any():
        return float(window_centre_h(windows, score)[int(np.nanargmax(windows["surprise"].to_numpy()))])
    return float(forecast_centre_h(windows, score)[int(windows["forecast_mse"].to_numpy().argmax())])
