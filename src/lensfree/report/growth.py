"""How fast a culture grows: doubling times of its cells and of their dry mass, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

FEWEST_FRAMES = 12
"""With fewer frames no rate is given."""

FEWEST_LINEAGES = 8
"""With fewer lineages there is no interval: what a handful of them share by chance cannot be told."""

RESAMPLES = 1000
COVERAGE = 0.95
QUANTITIES = ("cells", "total dry mass")


@dataclass(frozen=True)
class Growth:
    """Exponential growth of one quantity.

    Attributes:
        quantity: one of `QUANTITIES`.
        rate_per_h: slope of ln(quantity) over time, NaN with fewer than 12 frames.
        low_per_h: lower end of its 95 % interval, NaN with fewer than 8 lineages.
        high_per_h: upper end.
        n_frames: frames that entered.
        n_lineages: lineages that were drawn anew, 0 before tracking.
    """

    quantity: str
    rate_per_h: float
    low_per_h: float
    high_per_h: float
    n_frames: int
    n_lineages: int

    @property
    def doubling_h(self) -> tuple[float, float, float]:
        """Doubling time and its interval; NaN where there is no growth, or where it cannot be told."""
        is_told = not self.low_per_h <= 0
        rates = (self.rate_per_h, self.high_per_h, self.low_per_h)
        value, low, high = (np.log(2) / rate if rate > 0 else np.nan for rate in rates)
        return (float(value), float(low), float(high)) if is_told else (float(value), np.nan, np.nan)


def measure_growth(rows: pd.DataFrame, seed: int = 0, resamples: int = RESAMPLES) -> list[Growth]:
    """Return how cells and total dry mass grow.

    Lineages live independently of each other, cells of one and its neighbouring frames do not. So the
    interval comes from drawing whole lineages anew, with replacement (percentile bootstrap).

    Args:
        rows: `frame, time_h, dry_mass_pg`, and `lineage_id` after tracking.
        seed: of the draws.
        resamples: number of draws.
    """
    if "lineage_id" in rows:
        lineage_id = rows["lineage_id"].to_numpy()
    else:
        lineage_id = np.zeros(len(rows), dtype=np.int64)
    lineage, who = np.unique(lineage_id, return_inverse=True)
    n_lineages = len(lineage) if "lineage_id" in rows else 0
    frame, first, when = np.unique(rows["frame"].to_numpy(), return_index=True, return_inverse=True)
    time_h = rows["time_h"].to_numpy(dtype=float)[first]
    found = []
    for quantity, weight in zip(QUANTITIES, (None, rows["dry_mass_pg"].to_numpy(dtype=float)), strict=True):
        cell = np.ravel_multi_index((who, when), (len(lineage), len(frame))) if len(rows) else who
        sums = np.bincount(cell, weight, minlength=len(lineage) * len(frame)).reshape(
            len(lineage), len(frame)
        )
        (rate,) = growth_rates(sums.sum(axis=0)[None], time_h)
        low, high = np.nan, np.nan
        if n_lineages >= FEWEST_LINEAGES and np.isfinite(rate):
            drawn = resampled_rates(sums, time_h, np.random.default_rng(seed), resamples)
            low, high = np.nanquantile(drawn, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
        found.append(Growth(quantity, float(rate), float(low), float(high), len(frame), n_lineages))
    return found


def resampled_rates(
    sums: np.ndarray, time_h: np.ndarray, rng: np.random.Generator, resamples: int
) -> np.ndarray:
    """Return the growth rates of cultures of as many lineages, drawn from these with replacement.

    Args:
        sums: (lineage, frame) the quantity in each.
        time_h: (frame,) times.
        rng: source of the draws.
        resamples: number of draws.
    """
    n = len(sums)
    parts = []
    for begin in range(0, resamples, 100):  # a hundred at a time, so that memory stays small
        size = min(100, resamples - begin)
        drawn = rng.multinomial(n, np.full(n, 1 / n), size=size)
        parts.append(growth_rates(drawn @ sums, time_h))
    return np.concatenate(parts)


def growth_rates(totals: np.ndarray, time_h: np.ndarray) -> np.ndarray:
    """Return the least-squares slopes of ln(totals) over time in 1/h; frames without anything are left out.

    Args:
        totals: (n, frame).
        time_h: (frame,).

    Returns:
        (n,), NaN with fewer than 12 frames or where all are at one time.
    """
    is_used = totals > 0
    weight = is_used.astype(float)
    logs = np.log(np.where(is_used, totals, 1.0))
    count = weight.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_h = weight @ time_h / count
        mean_log = (weight * logs).sum(axis=1) / count
        away_h = (time_h[None] - mean_h[:, None]) * weight
        square = (away_h**2).sum(axis=1)
        slope = (away_h * (logs - mean_log[:, None])).sum(axis=1) / square
    return np.where((count >= FEWEST_FRAMES) & (square > 0), slope, np.nan)


def growth_table(found: Sequence[Growth]) -> pd.DataFrame:
    """Return the table behind what the page says of growth."""
    rows = []
    for growth in found:
        value, low, high = growth.doubling_h
        rows.append(
            {
                "quantity": growth.quantity,
                "rate_per_h": growth.rate_per_h,
                "rate_low_per_h": growth.low_per_h,
                "rate_high_per_h": growth.high_per_h,
                "doubling_h": value,
                "doubling_low_h": low,
                "doubling_high_h": high,
                "n_frames": growth.n_frames,
                "n_lineages": growth.n_lineages,
            }
        )
    return pd.DataFrame(rows)


def growth_in_words(growth: Growth) -> str:
    """Say how long doubling takes, or that it cannot be told."""
    name = "The number of cells" if growth.quantity == "cells" else "Total dry mass"
    if not np.isfinite(growth.rate_per_h):
        return (
            f"{name}: no doubling time, with {growth.n_frames} frames (at least {FEWEST_FRAMES} are needed)."
        )
    value, low, high = growth.doubling_h
    if not np.isfinite(growth.low_per_h):
        why = "cells were not tracked" if growth.n_lineages == 0 else f"only {growth.n_lineages} lineages"
        if growth.rate_per_h <= 0:
            return f"{name} does not grow ({100 * growth.rate_per_h:+.2g} % per h; no interval: {why})."
        return f"{name} doubles in {value:.3g} h (no interval: {why})."
    source = f"95 % interval, from drawing the {growth.n_lineages} lineages anew"
    if np.isfinite(high):
        return f"{name} doubles in {value:.3g} h ({low:.3g} to {high:.3g} h; {source})."
    span = f"{100 * growth.low_per_h:+.2g} to {100 * growth.high_per_h:+.2g} % per h"
    verb = "falls" if growth.high_per_h < 0 else "neither grows nor falls beyond doubt"
    return f"{name} {verb}: {100 * growth.rate_per_h:+.2g} % per h ({span}; {source})."
