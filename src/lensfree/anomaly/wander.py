"""Slow ups and downs of measured dry mass around smooth growth, in normal cells.

A cell that spreads, touches another or drifts out of focus is measured too heavy or too light for hours. Half
hours of such a history are no independent witnesses: taken as such, they make any deviation a certainty.

The second difference over a lag, ln(after) - 2 ln(now) + ln(before), is free of the level and of the
growth rate. Its variance is 6 s^2 from noise that is over within the lag, and 2 w^2 (3 - 4 r + r^2) from ups
and downs of sd w whose correlation falls to r within the lag.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.optimize import nnls
from scipy.stats import norm

from lensfree.anomaly.robust import correlation_after

BIN_H = 0.5
LAGS = (2, 4, 6, 8, 12)
"""In bins. Shorter ones see noise that is not over; over longer ones growth itself is bent."""
MEMORIES_H = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
QUANTILE = 0.8
"""Which part of the second differences tells the sd: the ups and downs of real cells have long tails, which
the median does not see, and abnormal cells fill the last tenth."""
FEWEST = 200
"""Second differences that a lag needs to count."""


def learn_wander(points: pd.DataFrame) -> tuple[float, float]:
    """Return sd of the ups and downs of ln(dry mass), and their memory [h]; sd 0 if there is nothing to see.

    Args:
        points: measured ones, each once: `series_id, cell_id, time_h, ln`.
    """
    bins = np.floor(points["time_h"].to_numpy() / BIN_H + 1e-6).astype(np.int64)
    means = points["ln"].groupby([points["series_id"], points["cell_id"], bins]).mean()
    keys = means.index.to_frame().to_numpy()
    at, ln = keys[:, 2], means.to_numpy()
    lives = np.cumsum(np.append(True, (keys[1:, :2] != keys[:-1, :2]).any(axis=1))) if len(keys) else at
    # One number per bin, with room between lives, so that a lag is a difference of numbers.
    number = at + lives * (2 * int(at.max(initial=0)) + 2 * max(LAGS))
    lags_h, variances = [], []
    for lag in LAGS:
        change = _second_differences(number, ln, lag)
        if len(change) >= FEWEST:
            far = np.quantile(np.abs(change - np.median(change)), QUANTILE)
            lags_h.append(lag * BIN_H)
            variances.append((far / norm.ppf((1 + QUANTILE) / 2)) ** 2)
    if len(lags_h) < 3:
        return 0.0, MEMORIES_H[0]
    measured = np.maximum(variances, 1e-12)
    best, spread, memory_h = np.inf, 0.0, MEMORIES_H[0]
    for tried_h in MEMORIES_H:
        r = correlation_after(np.array(lags_h), tried_h)
        design = np.column_stack([np.full(len(r), 6.0), 2 * (3 - 4 * r + r**2)]) / measured[:, None]
        (_, wander), misfit = nnls(design, np.ones(len(r)))
        if misfit < best - 1e-9:
            best, spread, memory_h = misfit, wander**0.5, tried_h
    return float(spread), float(memory_h)


def _second_differences(number: np.ndarray, ln: np.ndarray, lag: int) -> np.ndarray:
    """Return those at bins that have a bin `lag` before and one `lag` after them."""
    before, after = (np.searchsorted(number, number + step) for step in (-lag, lag))
    before, after = np.minimum(before, len(number) - 1), np.minimum(after, len(number) - 1)
    is_there = (number[before] == number - lag) & (number[after] == number + lag)
    return (ln[after] - 2 * ln + ln[before])[is_there]
