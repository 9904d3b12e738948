"""Medians of many weighted samples at once, for draws in which lineages come several times; and ranks."""

from __future__ import annotations

import numpy as np


def weighted_medians(values: np.ndarray, drawn: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Return the median of each draw, in which the values of a group are there as often as it was drawn.

    Args:
        values: (n,).
        drawn: (draw, group) how often.
        group: (n,) group of each value, from 0.

    Returns:
        (draw,); the mean of the two middle values where their number is even, NaN for a draw of nothing.
    """
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    medians = np.full(len(drawn), np.nan)
    for begin in range(0, len(drawn), 100):  # a hundred at a time, so that memory stays small
        block = slice(begin, begin + 100)
        below = np.cumsum(drawn[block][:, group[order]], axis=1)
        total = below[:, -1] if below.shape[1] else np.zeros(len(below), dtype=np.int64)
        for row in np.flatnonzero(total):
            k = int(total[row])
            middle = np.searchsorted(below[row], [(k - 1) // 2, k // 2], side="right")
            medians[begin + row] = ordered[middle].mean()
    return medians


def cliffs_delta(values: np.ndarray, others: np.ndarray) -> float:
    """Return P(a value is higher) - P(it is lower) than one of the others, over all pairs; NaN without any.

    N. Cliff, Psychological Bulletin 114, 494 (1993).
    """
    if not len(values) or not len(others):
        return float("nan")
    ordered = np.sort(others)
    below = np.searchsorted(ordered, values, side="left")
    not_above = np.searchsorted(ordered, values, side="right")
    return float((below.sum() - (len(ordered) - not_above).sum()) / (len(values) * len(ordered)))
