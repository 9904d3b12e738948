"""Dips: looks at which a cell was measured much too small, because its outline was lost or cut short.

In some cultures nearly every cell has some, where cells touch; in others they are the mark of an error. How
often they come to a normal cell is learnt, and what is usual explains nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.ndimage import median_filter
from scipy.special import pdtrc

from lensfree.anomaly.robust import LEAST_PG, MAD_TO_SD, correlation_after

WINDOW_H = 2.1
LONGEST_H = 1.1
BELOW_SD = 3.5
BELOW = 0.35
"""A dip is at least this share below the running median, and this many sd."""
COST = 3.0
"""What a dip must be more probable than noise by, in ln, beyond its choice among all points."""
FEWEST_DIFFERENCES = 30
ABNORMAL = 0.05
"""Share of histories whose dips may be the mark of an error when it is learnt what is usual."""
LEAST_RATE_PER_H = 1e-6
LOOKED_AT = 400
"""Histories that suffice to learn how often dips come."""


@dataclass(frozen=True)
class Dips:
    """The dips of one history.

    Attributes:
        first: (k,) index of the first point of each.
        last: (k,) index of the last one.
        depth: (k,) dry mass in the dip over that around it.
        gain: (k,) how much more probable, in ln, each is as a lost outline than as noise; 0 at least.
        sd: (points,) noise of each point over its dry mass.
    """

    first: np.ndarray
    last: np.ndarray
    depth: np.ndarray
    gain: np.ndarray
    sd: np.ndarray


def find_dips(
    dry_mass_pg: np.ndarray,
    life: np.ndarray,
    time_h: np.ndarray,
    interval_h: float,
    noise_relative: float,
    noise_memory_h: float,
) -> Dips:
    """Find the dips among the measured points of one history.

    Args:
        dry_mass_pg: positive, in order of time [pg].
        life: number of the cell of each point.
        time_h: their times [h].
        interval_h: time between two points [h].
        noise_relative: noise of a point over its dry mass, usual for the population.
        noise_memory_h: time after which its correlation has fallen to 1/e [h].
    """
    around_pg = _around(dry_mass_pg, life, interval_h)
    sd_pg = _noise_pg(dry_mass_pg, life, interval_h, noise_relative, noise_memory_h)
    # Half of the variance of a typical point does not depend on dry mass, half grows with its square.
    sd = sd_pg * np.sqrt(0.5 / around_pg**2 + 0.5 / np.median(dry_mass_pg) ** 2)
    short = 1 - dry_mass_pg / around_pg
    is_low = (short > BELOW) & (short > BELOW_SD * sd)
    edges = np.diff(np.concatenate([[0], is_low.astype(np.int8), [0]]))
    first, last = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1
    is_brief = time_h[last] - time_h[first] + interval_h <= LONGEST_H + 1e-6 if len(first) else first > 0
    first, last = first[is_brief], last[is_brief]
    depth, gain = np.empty(len(first)), np.empty(len(first))
    for k, (a, b) in enumerate(zip(first, last, strict=True)):
        n = b - a + 1
        apart_h = interval_h * np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
        variance = sd[a : b + 1].mean() ** 2 * correlation_after(apart_h, noise_memory_h).sum()
        gain[k] = short[a : b + 1].sum() ** 2 / variance / 2 - np.log(len(short)) - COST
        depth[k] = 1 - short[a : b + 1].mean()
    return Dips(first, last, depth, np.maximum(gain, 0.0), sd)


def unusual(dips: Dips, seen_h: float, rate_per_h: float) -> float:
    """Return how much more probable, in ln, the dips are as a mark of an error than as what is usual.

    Args:
        dips: those of a history.
        seen_h: how long it was measured [h].
        rate_per_h: how often normal cells have one [1/h].
    """
    found = int((dips.gain > 0).sum())
    with np.errstate(divide="ignore"):  # so many that their probability is less than any number
        usual = float(np.log(pdtrc(found - 1, rate_per_h * seen_h))) if found else 0.0
    return min(float(dips.gain.sum()), -usual)


def learn_dip_rate(points: pd.DataFrame, noise_relative: float, noise_memory_h: float) -> float:
    """Return how often a normal cell has a dip [1/h], from the share of histories that have none.

    Args:
        points: measured ones in order of series and time: `series_id, cell_id, time_h, dry_mass_pg`.
        noise_relative: as for `find_dips`.
        noise_memory_h: as for `find_dips`.
    """
    ids = points["series_id"].to_numpy()
    starts = np.flatnonzero(np.append(True, ids[1:] != ids[:-1]))
    stops = np.append(starts[1:], len(ids))
    chosen = np.unique(np.linspace(0, len(starts) - 1, min(LOOKED_AT, len(starts))).round().astype(int))
    dry_mass_pg = np.maximum(points["dry_mass_pg"].to_numpy(dtype=np.float64), LEAST_PG)
    time_h, cell_id = points["time_h"].to_numpy(dtype=np.float64), points["cell_id"].to_numpy()
    has_any, length_h = [], []
    for a, b in zip(starts[chosen], stops[chosen], strict=True):
        if b - a < 2:
            continue
        life = np.append(0, np.cumsum(cell_id[a + 1 : b] != cell_id[a : b - 1]))
        interval_h = float(np.median(np.diff(time_h[a:b])))
        dips = find_dips(dry_mass_pg[a:b], life, time_h[a:b], interval_h, noise_relative, noise_memory_h)
        has_any.append(bool((dips.gain > 0).any()))
        length_h.append(time_h[b - 1] - time_h[a] + interval_h)
    if not has_any:
        return LEAST_RATE_PER_H
    share = (np.mean(has_any) - ABNORMAL) / (1 - ABNORMAL)
    # A history without a dip in all of its hours has the probability exp(-rate x hours).
    return float(max(-np.log1p(-np.clip(share, 0.0, 0.99)) / np.mean(length_h), LEAST_RATE_PER_H))


def _around(dry_mass_pg: np.ndarray, life: np.ndarray, interval_h: float) -> np.ndarray:
    """Return the running median within each cell: one across a division would call a newborn a dip."""
    width = 2 * max(2, round(WINDOW_H / interval_h / 2)) + 1
    around_pg = np.empty(len(dry_mass_pg))
    for number in np.unique(life):
        mine = life == number
        around_pg[mine] = median_filter(
            dry_mass_pg[mine], min(width, 2 * (int(mine.sum()) // 2) + 1), mode="reflect"
        )
    return around_pg


def _noise_pg(
    dry_mass_pg: np.ndarray, life: np.ndarray, interval_h: float, noise_relative: float, noise_memory_h: float
) -> float:
    """Return the sd of the noise of one history [pg], from differences over an hour within a cell."""
    usual_pg = noise_relative * float(np.median(dry_mass_pg))
    lag = max(1, round(1 / interval_h))
    change_pg = (dry_mass_pg[lag:] - dry_mass_pg[:-lag])[life[lag:] == life[:-lag]]
    if len(change_pg) < FEWEST_DIFFERENCES:
        return usual_pg
    spread_pg = MAD_TO_SD * float(np.median(np.abs(change_pg - np.median(change_pg))))
    own_pg = spread_pg / (2 * (1 - float(correlation_after(lag * interval_h, noise_memory_h)))) ** 0.5
    return float(np.clip(own_pg, 0.3 * usual_pg, 3 * usual_pg))
