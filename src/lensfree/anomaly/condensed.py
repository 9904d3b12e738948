"""A history as few points with known noise: without dips and filled points, half hours joined."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from lensfree.anomaly.dips import find_dips, unusual
from lensfree.anomaly.norms import Norms
from lensfree.anomaly.robust import LEAST_PG, check_dry_mass, correlation_after

BIN_H = 0.5
MOST_BINS = 120
"""Longer histories get longer bins: the cost of an explanation grows with their number cubed."""
MODEL_SPREAD = 0.02
"""What normal growth may deviate from its smooth law, in ln(dry mass), however quiet the history is."""
RUNNING_H = 3.0


@dataclass(frozen=True)
class Condensed:
    """One history, condensed.

    Attributes:
        start_h: (n,) first time in each bin [h].
        time_h: (n,) mean time in each bin [h].
        ln: (n,) ln(dry mass / pg), mean of the bin.
        sd: (n,) its noise, that of the neighbouring bins being taken as independent.
        life: (n,) number of the cell along the path, from 0.
        birth_h: (lives,) first time of each cell [h].
        end_h: time just after the last point [h].
        bin_h: length of a bin [h].
        dips_h: (k,) beginnings of the dips [h].
        dips_depth: (k,) dry mass in the dip over that around it.
        dips_gain: how much more probable, in ln, the dips are as an error than as what is usual.
    """

    start_h: np.ndarray
    time_h: np.ndarray
    ln: np.ndarray
    sd: np.ndarray
    life: np.ndarray
    birth_h: np.ndarray
    end_h: float
    bin_h: float
    dips_h: np.ndarray
    dips_depth: np.ndarray
    dips_gain: float

    def running_pg(self, since_h: float, until_h: float = np.inf) -> np.ndarray:
        """Return running means over 3 h from a time on [pg], over less if there is less.

        Raises:
            ValueError: nothing was measured in that time.
        """
        ln = self.ln[(self.start_h >= since_h - 1e-6) & (self.start_h < until_h)]
        if not len(ln):
            raise ValueError(
                f"nothing was measured from {since_h:.1f} to {until_h:.1f} h; ask for a longer time"
            )
        width = min(len(ln), max(1, round(RUNNING_H / self.bin_h)))
        return np.exp(np.convolve(ln, np.full(width, 1 / width), mode="valid"))


def condense(rows: pd.DataFrame, norms: Norms) -> Condensed:
    """Condense the measured points of one history.

    Args:
        rows: `time_h, dry_mass_pg, cell_id, is_filled` of one history, any order.
        norms: what is normal.

    Raises:
        ValueError: a column is missing, or a measured dry mass is negative or not finite.
    """
    missing = {"time_h", "dry_mass_pg", "cell_id", "is_filled"} - set(rows.columns)
    if missing:
        raise ValueError(f"a history lacks the columns {sorted(missing)}; give rows of the table series")
    time_h, order = np.unique(rows["time_h"].to_numpy(dtype=np.float64), return_index=True)
    if len(time_h) < len(rows):
        raise ValueError(
            f"{len(rows) - len(time_h)} times occur twice, expected none; give the rows of one series_id"
        )
    cell_id = rows["cell_id"].to_numpy()[order]
    starts = np.flatnonzero(np.append(True, cell_id[1:] != cell_id[:-1])) if len(time_h) else np.empty(0, int)
    life = np.searchsorted(starts, np.arange(len(time_h)), side="right") - 1
    is_measured = ~rows["is_filled"].to_numpy(dtype=bool)[order]
    dry_mass_pg = rows["dry_mass_pg"].to_numpy(dtype=np.float64)[order]
    check_dry_mass(dry_mass_pg[is_measured])
    interval_h = float(np.median(np.diff(time_h))) if len(time_h) > 1 else BIN_H
    birth_h, end_h = time_h[starts], float(time_h[-1] + interval_h) if len(time_h) else 0.0
    time_h, life = time_h[is_measured], life[is_measured]
    measured_pg = np.maximum(dry_mass_pg[is_measured], LEAST_PG)
    if not len(time_h):
        none = np.empty(0)
        return Condensed(none, none, none, none, life, birth_h, end_h, BIN_H, none, none, 0.0)
    dips = find_dips(measured_pg, life, time_h, interval_h, norms.noise_relative, norms.noise_memory_h)
    is_kept = np.ones(len(time_h), dtype=bool)
    for a, b in zip(dips.first, dips.last, strict=True):
        is_kept[a : b + 1] = False
    bin_h = max(BIN_H, interval_h, (end_h - time_h[0]) / MOST_BINS)
    index = np.floor((time_h - birth_h[life]) / bin_h + 1e-6).astype(np.int64) + life * 10**6
    index, of_point, count = np.unique(index[is_kept], return_inverse=True, return_counts=True)

    def mean(values: np.ndarray) -> np.ndarray:
        return np.bincount(of_point, values[is_kept]) / count

    at = np.flatnonzero(is_kept)[np.searchsorted(of_point, np.arange(len(index)))]
    correlation = float(correlation_after(interval_h, norms.noise_memory_h))
    inflation = (1 + correlation) / (1 - correlation)
    return Condensed(
        start_h=time_h[at],
        time_h=mean(time_h),
        ln=np.log(mean(measured_pg)),
        sd=np.sqrt(mean(dips.sd) ** 2 * inflation / count + MODEL_SPREAD**2),
        life=life[at],
        birth_h=birth_h,
        end_h=end_h,
        bin_h=bin_h,
        dips_h=time_h[dips.first],
        dips_depth=dips.depth,
        dips_gain=unusual(dips, interval_h * len(time_h), norms.dip_rate_per_h),
    )
