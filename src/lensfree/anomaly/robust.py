"""Medians and spreads that a tenth of abnormal cells hardly moves, and the correlation of noise."""

from __future__ import annotations

import numpy as np

MAD_TO_SD = 1.4826
"""Sd of a normal distribution over its median absolute deviation."""
LEAST_PG = 1.0
"""Less dry mass than this counts as this much: logarithms of lost outlines stay finite."""


def robust(values: np.ndarray, weights: np.ndarray | None = None) -> tuple[float, float]:
    """Return the median and the robust sd of values, with weights if they are given."""
    weights = np.ones(len(values)) if weights is None else weights

    def middle(of: np.ndarray) -> float:
        order = np.argsort(of)
        below = np.cumsum(weights[order])
        return float(of[order][np.searchsorted(below, below[-1] / 2)])

    centre = middle(values)
    return centre, MAD_TO_SD * middle(np.abs(values - centre))


def correlation_after(lag_h: float | np.ndarray, memory_h: float) -> np.ndarray:
    """Return the correlation after a time [h] of what falls to 1/e within a memory [h]; 0 without memory."""
    lag_h = np.asarray(lag_h, dtype=np.float64)
    return np.exp(-lag_h / memory_h) if memory_h > 0 else np.where(lag_h == 0, 1.0, 0.0)


def check_dry_mass(dry_mass_pg: np.ndarray) -> None:
    """Raise a ValueError unless every dry mass is finite and not negative."""
    wrong = ~(np.isfinite(dry_mass_pg) & (dry_mass_pg >= 0))
    if wrong.any():
        raise ValueError(
            f"{int(wrong.sum())} of {len(wrong)} dry masses are negative or not finite, the first is "
            f"{dry_mass_pg[wrong][0]}, expected numbers from 0 pg on; rerun the stage series"
        )
