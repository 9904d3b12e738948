"""Hours of a series that matter: what a window foretold, where it failed, when the cell divided."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from lensfree.config import ScoreConfig
from lensfree.units import MIN_PER_H

Part = Literal["forecast", "window"]
NEAR_ONSET_H = 4.5
"""Pictures of an onset are taken within this time of it; the nearest frame may be half an hour off."""


def hours_of(part: Part, score: ScoreConfig) -> tuple[float, float]:
    """Return first and last point of a window's part, in hours after the window's first point.

    `forecast` is the target that the model had to foretell, `window` is input and target together.
    """
    interval_h = score.interval_min / MIN_PER_H
    first = score.input_points if part == "forecast" else 0
    return first * interval_h, (score.input_points + score.target_points - 1) * interval_h


def abnormal_spans(
    windows: pd.DataFrame, score: ScoreConfig, part: Part = "forecast"
) -> list[tuple[float, float]]:
    """Return the hours covered by a part of the abnormal windows, merged where they touch.

    Windows one step of the grid apart touch. Each span runs from the first point to the last point,
    in acquisition time.

    Args:
        windows: rows of the windows table, of one series, in any order.
        score: settings of the windows.
        part: the forecast hours (where the model failed) or the whole windows.
    """
    first_h, last_h = hours_of(part, score)
    step_h = score.interval_min / MIN_PER_H
    spans: list[tuple[float, float]] = []
    for start_h in np.sort(windows.loc[windows["is_abnormal"], "start_h"].to_numpy()):
        begin_h, end_h = start_h + first_h, start_h + last_h
        if spans and begin_h <= spans[-1][1] + step_h * 1.001:  # a little slack for rounded hours
            spans[-1] = (spans[-1][0], end_h)
        else:
            spans.append((begin_h, end_h))
    return [(float(begin_h), float(end_h)) for begin_h, end_h in spans]


def failed_spans(windows: pd.DataFrame, score: ScoreConfig) -> list[tuple[float, float]]:
    """Return the hours whose forecast failed; none where windows are judged by their surprise.

    What surprises in a window may lie anywhere in it, in 30 h of which most are as usual.
    """
    return [] if windows["surprise"].notna().any() else abnormal_spans(windows, score)


def forecast_centre_h(windows: pd.DataFrame, score: ScoreConfig) -> np.ndarray:
    """Return the middle of the hours that each window foretold."""
    first_h, last_h = hours_of("forecast", score)
    return windows["start_h"].to_numpy() + (first_h + last_h) / 2


def window_centre_h(windows: pd.DataFrame, score: ScoreConfig) -> np.ndarray:
    """Return the middle of each window."""
    return windows["start_h"].to_numpy() + sum(hours_of("window", score)) / 2


def division_times_h(series: pd.DataFrame) -> list[float]:
    """Return the times at which a series goes on with a daughter: her first point."""
    ordered = series.sort_values("time_h")
    is_new = ordered["cell_id"].to_numpy()[1:] != ordered["cell_id"].to_numpy()[:-1]
    return [float(t) for t in ordered["time_h"].to_numpy()[1:][is_new]]


def strip_slots_h(series: pd.DataFrame, n_slots: int) -> np.ndarray:
    """Return the times above which thumbnails stand: middles of equal parts of the series' life."""
    begin_h, end_h = float(series["time_h"].min()), float(series["time_h"].max())
    return begin_h + (np.arange(n_slots) + 0.5) / n_slots * (end_h - begin_h)


def strip_times_h(series: pd.DataFrame, n_slots: int, onset_h: float = float("nan")) -> np.ndarray:
    """Return the times at which thumbnails are taken, in order.

    Without an onset they are those of the slots. Otherwise a third of them or more, one at the onset itself,
    are spread over 4.5 h to either side of it, and the others evenly over the rest of the series' life.

    Args:
        series: rows of one series.
        n_slots: thumbnails in the strip.
        onset_h: when something went wrong, NaN if unclear.
    """
    if not np.isfinite(onset_h):
        return strip_slots_h(series, n_slots)
    begin_h, end_h = float(series["time_h"].min()), float(series["time_h"].max())
    onset_h = min(max(onset_h, begin_h), end_h)
    low_h, high_h = max(begin_h, onset_h - NEAR_ONSET_H), min(end_h, onset_h + NEAR_ONSET_H)
    n_near = max(-(-n_slots // 3), round(n_slots * (high_h - low_h) / (end_h - begin_h)))
    n_after = round((n_near - 1) * (high_h - onset_h) / (high_h - low_h))
    before_h = np.linspace(low_h, onset_h, n_near - n_after)
    # The last before is the onset itself; where there is no room before, it is the only one.
    before_h[-1] = onset_h
    near_h = np.concatenate([before_h, np.linspace(onset_h, high_h, n_after + 1)[1:]])
    n_far = n_slots - n_near
    rest_h = (end_h - begin_h) - (high_h - low_h)
    far_h = begin_h + (np.arange(n_far) + 0.5) / max(n_far, 1) * rest_h
    far_h[far_h > low_h] += high_h - low_h
    return np.sort(np.concatenate([near_h, far_h]))
