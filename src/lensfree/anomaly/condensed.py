"""A history as few points with known noise: without dips and filled points, half hours joined."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.ndimage import median_filter

from lensfree.anomaly.norms import MAD_TO_SD, Norms, check_dry_mass

BIN_H = 0.5
MOST_BINS = 120
"""Longer histories get longer bins: the cost of an explanation grows with their number cubed."""
LEAST_PG = 1.0
MODEL_SPREAD = 0.02
"""What normal growth may deviate from its smooth law, in ln(dry mass), however quiet the history is."""
DIP_WINDOW_H = 2.1
DIP_LONGEST_H = 1.1
DIP_BELOW_SD = 3.5
DIP_BELOW = 0.35
"""A dip is at least this share below the running median, and this many sd."""
DIP_COST = 3.0
"""What a dip must be more probable than noise by, in ln, beyond its choice among all points."""
FEWEST_DIFFERENCES = 30
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
        dips_gain: how much more probable, in ln, the dips are as lost outlines than as noise.
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
    around_pg = _around(measured_pg, life, interval_h)
    sd_pg = _noise_pg(measured_pg, life, interval_h, norms)
    # Half of the variance of a typical point does not depend on dry mass, half grows with its square.
    sd = sd_pg * np.sqrt(0.5 / around_pg**2 + 0.5 / np.median(measured_pg) ** 2)
    short = 1 - measured_pg / around_pg
    first, last, gain = _dips(short, sd, time_h, interval_h, norms)
    is_kept = np.ones(len(time_h), dtype=bool)
    for a, b in zip(first, last, strict=True):
        is_kept[a : b + 1] = False
    bin_h = max(BIN_H, interval_h, (end_h - time_h[0]) / MOST_BINS)
    index = np.floor((time_h - birth_h[life]) / bin_h + 1e-6).astype(np.int64) + life * 10**6
    index, of_point, count = np.unique(index[is_kept], return_inverse=True, return_counts=True)

    def mean(values: np.ndarray) -> np.ndarray:
        return np.bincount(of_point, values[is_kept]) / count

    at = np.flatnonzero(is_kept)[np.searchsorted(of_point, np.arange(len(index)))]
    correlation = _correlation(interval_h, norms)
    inflation = (1 + correlation) / (1 - correlation)
    return Condensed(
        start_h=time_h[at],
        time_h=mean(time_h),
        ln=np.log(mean(measured_pg)),
        sd=np.sqrt(mean(sd) ** 2 * inflation / count + MODEL_SPREAD**2),
        life=life[at],
        birth_h=birth_h,
        end_h=end_h,
        bin_h=bin_h,
        dips_h=time_h[first],
        dips_depth=np.array([1 - short[a : b + 1].mean() for a, b in zip(first, last, strict=True)]),
        dips_gain=gain,
    )


def _correlation(interval_h: float, norms: Norms) -> float:
    return float(np.exp(-interval_h / norms.noise_memory_h)) if norms.noise_memory_h > 0 else 0.0


def _around(dry_mass_pg: np.ndarray, life: np.ndarray, interval_h: float) -> np.ndarray:
    """Return the running median within each cell: one across a division would call a newborn a dip."""
    width = 2 * max(2, round(DIP_WINDOW_H / interval_h / 2)) + 1
    around_pg = np.empty(len(dry_mass_pg))
    for number in np.unique(life):
        mine = life == number
        around_pg[mine] = median_filter(
            dry_mass_pg[mine], min(width, 2 * (int(mine.sum()) // 2) + 1), mode="reflect"
        )
    return around_pg


def _noise_pg(dry_mass_pg: np.ndarray, life: np.ndarray, interval_h: float, norms: Norms) -> float:
    """Return the sd of the noise of one history [pg], from differences over an hour within a cell."""
    usual_pg = norms.noise_relative * float(np.median(dry_mass_pg))
    lag = max(1, round(1 / interval_h))
    change_pg = (dry_mass_pg[lag:] - dry_mass_pg[:-lag])[life[lag:] == life[:-lag]]
    if len(change_pg) < FEWEST_DIFFERENCES:
        return usual_pg
    spread_pg = MAD_TO_SD * float(np.median(np.abs(change_pg - np.median(change_pg))))
    own_pg = spread_pg / (2 * (1 - _correlation(lag * interval_h, norms))) ** 0.5
    return float(np.clip(own_pg, 0.3 * usual_pg, 3 * usual_pg))


def _dips(
    short: np.ndarray, sd: np.ndarray, time_h: np.ndarray, interval_h: float, norms: Norms
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return first and last index of each dip, and their gain."""
    is_low = (short > DIP_BELOW) & (short > DIP_BELOW_SD * sd)
    edges = np.diff(np.concatenate([[0], is_low.astype(np.int8), [0]]))
    first, last = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1
    is_brief = time_h[last] - time_h[first] + interval_h <= DIP_LONGEST_H + 1e-6 if len(first) else first > 0
    first, last = first[is_brief], last[is_brief]
    correlation = _correlation(interval_h, norms)
    gain = 0.0
    for a, b in zip(first, last, strict=True):
        n = b - a + 1
        apart = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
        variance = sd[a : b + 1].mean() ** 2 * (correlation**apart).sum()
        gain += max(short[a : b + 1].sum() ** 2 / variance / 2 - np.log(len(short)) - DIP_COST, 0.0)
    return first, last, float(gain)
