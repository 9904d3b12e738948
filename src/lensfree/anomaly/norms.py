"""What is normal for the cells of a population, learnt from their histories.

Some of the histories are abnormal and no one has marked them. All figures are therefore medians, and
spreads are the median absolute deviation times 1.4826, which is the sd of a normal distribution: as long
as most cells are normal, the others move them little.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

import numpy as np
import pandas as pd

from lensfree.anomaly.dips import learn_dip_rate
from lensfree.anomaly.robust import LEAST_PG, check_dry_mass, robust
from lensfree.anomaly.wander import learn_wander

EDGE_H = 2.0
"""Time after birth or before division whose points give the dry mass there."""
FEWEST_POINTS = 8
FEWEST_CELLS = 12
"""With fewer cells of a sort their figure is derived from the other figures instead."""
MOST_MEMORY = 0.9
UNSEEN_SPREAD = 0.25
"""Spread of what was derived because too few cells showed it."""
MEAN_OVER_BIRTH = 2 * np.log(2)
"""Mean dry mass of a growing population over that at birth, for exponential growth to the double."""
LEAST_SPREAD = 0.01
LEAST_RATE_PER_H, LEAST_RATE_SD_PER_H = 1e-3, 1e-4
"""Spreads are divided by, rates are multiplied: a population that does not vary or grow gets these."""
MAY_BE_0 = ("noise_memory_h", "wander_spread")
COLUMNS = ("series_id", "cell_id", "time_h", "dry_mass_pg", "is_filled", "is_repeated")


@dataclass(frozen=True)
class Norms:
    """Medians and robust spreads over a population; a `_spread` is the robust sd of a natural logarithm.

    Attributes:
        dry_mass_pg: median over all points [pg].
        dry_mass_spread: its spread.
        dry_mass_low_pg: 5 % of the points lie below [pg].
        dry_mass_high_pg: 5 % of the points lie above [pg].
        birth_dry_mass_pg: dry mass at birth [pg].
        birth_spread: its spread.
        growth_rate_per_h: slope of ln(dry mass) over the life of a cell [1/h].
        growth_rate_sd_per_h: its robust sd [1/h].
        cycle_h: from birth to division [h].
        cycle_spread: its spread.
        division_ratio: dry mass of a daughter over her mother's.
        division_spread: its spread.
        noise_relative: noise of a point over its dry mass.
        noise_memory_h: time after which the correlation of the noise has fallen to 1/e [h]; 0 for none.
        step_spread: robust sd of the change of ln(dry mass) over 1 h within a cell, means of 1 h each.
        wander_spread: sd of the slow ups and downs of ln(dry mass) around smooth growth; 0 for none.
        wander_memory_h: time after which their correlation has fallen to 1/e [h].
        dip_rate_per_h: how often a normal cell is measured much too small for up to an hour [1/h].
    """

    dry_mass_pg: float
    dry_mass_spread: float
    dry_mass_low_pg: float
    dry_mass_high_pg: float
    birth_dry_mass_pg: float
    birth_spread: float
    growth_rate_per_h: float
    growth_rate_sd_per_h: float
    cycle_h: float
    cycle_spread: float
    division_ratio: float
    division_spread: float
    noise_relative: float
    noise_memory_h: float
    step_spread: float
    wander_spread: float
    wander_memory_h: float
    dip_rate_per_h: float

    @classmethod
    def learn(cls, series: pd.DataFrame) -> Norms:
        """Learn what is normal from a table of histories, some of which may be abnormal.

        A cell counts once, however many histories pass through it; filled points do not count.

        Args:
            series: table under `contracts.SERIES`.

        Raises:
            ValueError: a column is missing, the table holds fewer than 12 cells with at least 8 measured
                points, or a measured dry mass is negative or not finite.
        """
        missing = set(COLUMNS) - set(series.columns)
        if missing:
            raise ValueError(f"histories lack the columns {sorted(missing)}; give the table series")
        points = _in_order(series[list(COLUMNS)])
        dry_mass_pg = points["dry_mass_pg"].to_numpy(dtype=np.float64)
        check_dry_mass(dry_mass_pg)
        points = points.assign(ln=np.log(np.maximum(dry_mass_pg, LEAST_PG)))
        cells = _cells(points) if len(points) else points
        if len(cells) < FEWEST_CELLS:
            raise ValueError(
                f"the table holds {len(cells)} cells with at least {FEWEST_POINTS} measured points, expected "
                f"{FEWEST_CELLS} or more; learn what is normal from more or longer histories"
            )
        once = points.loc[~points["is_repeated"]] if points["is_repeated"].any() else points
        ln = once["ln"].to_numpy()
        low, middle, high = np.exp(np.quantile(ln, (0.05, 0.5, 0.95)))
        complete = cells[cells["has_birth"] & cells["has_division"]]
        born = cells[cells["has_birth"]].dropna(subset="ln_ratio")
        noise, memory_h = _noise(once)
        wander, wander_memory_h = learn_wander(once)
        rate, rate_sd = robust(cells["rate_per_h"].to_numpy(), cells["weight"].to_numpy())
        rate = max(rate, LEAST_RATE_PER_H)
        cycle, cycle_spread = np.log(np.log(2) / rate), UNSEEN_SPREAD
        if len(complete) >= FEWEST_CELLS:
            cycle, cycle_spread = robust(np.log(complete["duration_h"].to_numpy()))
        birth, birth_spread = np.log(middle / MEAN_OVER_BIRTH), UNSEEN_SPREAD
        ratio, ratio_spread = np.log(0.5), UNSEEN_SPREAD / 2
        if len(born) >= FEWEST_CELLS:
            birth, birth_spread = robust(born["ln_first"].to_numpy())
            ratio, ratio_spread = robust(born["ln_ratio"].to_numpy())
        return cls(
            dry_mass_pg=float(middle),
            dry_mass_spread=max(robust(ln)[1], LEAST_SPREAD),
            dry_mass_low_pg=float(low),
            dry_mass_high_pg=float(high),
            birth_dry_mass_pg=float(np.exp(birth)),
            birth_spread=max(birth_spread, LEAST_SPREAD),
            growth_rate_per_h=rate,
            growth_rate_sd_per_h=max(rate_sd, LEAST_RATE_SD_PER_H),
            cycle_h=float(np.exp(cycle)),
            cycle_spread=max(cycle_spread, LEAST_SPREAD),
            division_ratio=float(np.exp(ratio)),
            division_spread=max(ratio_spread, LEAST_SPREAD),
            noise_relative=noise,
            noise_memory_h=memory_h,
            step_spread=_step_spread(once),
            wander_spread=wander,
            wander_memory_h=wander_memory_h,
            dip_rate_per_h=learn_dip_rate(points, noise, memory_h),
        )

    def to_dict(self) -> dict[str, float]:
        """Return the figures by name, as they go into the header of a model file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, float]) -> Norms:
        """Return norms from figures by name.

        Raises:
            ValueError: a figure is missing, unknown, or not a positive finite number.
        """
        names = {field.name for field in fields(cls)}
        if set(values) != names:
            raise ValueError(
                f"norms lack {sorted(names - set(values))} and hold unknown {sorted(set(values) - names)}; "
                "learn them again with this version"
            )
        wrong = {
            name: value
            for name, value in values.items()
            if not (np.isfinite(value) and (value > 0 or (name in MAY_BE_0 and value == 0)))
        }
        if wrong:
            raise ValueError(f"norms hold {wrong}, expected positive finite numbers; learn them again")
        return cls(**{name: float(value) for name, value in values.items()})


def _in_order(series: pd.DataFrame) -> pd.DataFrame:
    """Return the measured points in order of series and time; a table that is so already is not copied."""
    is_filled = series["is_filled"].to_numpy(dtype=bool)
    points = series.loc[~is_filled] if is_filled.any() else series
    ids, time_h = points["series_id"].to_numpy(), points["time_h"].to_numpy()
    if ((ids[1:] > ids[:-1]) | ((ids[1:] == ids[:-1]) & (time_h[1:] >= time_h[:-1]))).all():
        return points
    return points.sort_values(["series_id", "time_h"], kind="stable")


def _cells(points: pd.DataFrame) -> pd.DataFrame:
    """Return one row per cell with enough points, whose own points are in order of series and time."""
    series_id, cell_id = points["series_id"].to_numpy(), points["cell_id"].to_numpy()
    starts = np.ones(len(points), dtype=bool)
    starts[1:] = (series_id[1:] != series_id[:-1]) | (cell_id[1:] != cell_id[:-1])
    life = np.cumsum(starts) - 1
    first = np.flatnonzero(starts)
    last = np.append(first[1:], len(points)) - 1
    n = last - first + 1
    time_h, ln = points["time_h"].to_numpy(), points["ln"].to_numpy()
    same = np.zeros(len(first) + 1, dtype=bool)
    same[1:-1] = series_id[first[1:]] == series_id[first[:-1]]

    def mean(values: np.ndarray) -> np.ndarray:
        return np.bincount(life, values) / n

    x_h, y = time_h - mean(time_h)[life], ln - mean(ln)[life]
    rate = mean(x_h * y) / np.maximum(mean(x_h * x_h), 1e-12)
    begins = pd.Series(np.where(time_h - time_h[first][life] < EDGE_H, ln, np.nan)).groupby(life).median()
    ends = pd.Series(np.where(time_h[last][life] - time_h < EDGE_H, ln, np.nan)).groupby(life).median()
    is_long = (n >= FEWEST_POINTS) & (time_h[last] - time_h[first] >= EDGE_H)
    is_repeated = points["is_repeated"].to_numpy()[last]
    once = is_long & ~is_repeated
    typical = float(np.median(rate[once])) if once.any() else 0.0
    ln_first = begins.to_numpy() - typical * EDGE_H / 2
    ln_last = ends.to_numpy() + typical * EDGE_H / 2
    mother_last = np.where(same[:-1], np.append(np.nan, ln_last[:-1]), np.nan)
    born_h = time_h[first]
    next_h = np.append(born_h[1:], np.nan)
    cells = pd.DataFrame(
        {
            "cell_id": cell_id[first],
            "is_repeated": is_repeated,
            "has_birth": same[:-1],
            "has_division": same[1:],
            "duration_h": np.where(same[1:], next_h - born_h, time_h[last] - born_h),
            "rate_per_h": rate,
            "ln_first": ln_first,
            "ln_ratio": ln_first - mother_last,
            # Short pieces of a life have noisy slopes; the variance of a slope falls with the cube of time.
            "weight": np.minimum((time_h[last] - born_h), 20.0) ** 2,
        }
    )
    return cells[is_long].sort_values("is_repeated", kind="stable").drop_duplicates("cell_id")


def _within(points: pd.DataFrame, lag: int) -> np.ndarray:
    """Return for each point whether the point `lag` later is of the same life."""
    ids = points[["series_id", "cell_id"]].to_numpy()
    return (ids[lag:] == ids[:-lag]).all(axis=1)


def _noise(points: pd.DataFrame) -> tuple[float, float]:
    """Return noise over dry mass, and its memory [h], from differences at one point and at about 1 h."""
    ln, time_h = points["ln"].to_numpy(), points["time_h"].to_numpy()
    inside = _within(points, 1)
    interval_h = float(np.median(np.diff(time_h)[inside]))
    lag = max(2, round(1 / interval_h))
    near = robust((ln[1:] - ln[:-1])[inside])[1] ** 2
    far = robust((ln[lag:] - ln[:-lag])[_within(points, lag)])[1] ** 2
    correlation = 0.0
    for _ in range(50):
        correlation = float(np.clip(1 - near / max(far, 1e-12) * (1 - correlation**lag), 0.0, MOST_MEMORY))
    memory_h = -interval_h / np.log(correlation) if correlation > 0.01 else 0.0
    return max((far / 2 / (1 - correlation**lag)) ** 0.5, 1e-4), float(memory_h)


def _step_spread(points: pd.DataFrame) -> float:
    """Return the robust sd of the change between means of 1 h, next to each other in one cell."""
    hour = np.floor(points["time_h"].to_numpy()).astype(np.int64)
    means = points["ln"].groupby([points["series_id"], points["cell_id"], hour]).mean()
    keys = means.index.to_frame().to_numpy()
    is_next = (keys[1:, :2] == keys[:-1, :2]).all(axis=1) & (keys[1:, 2] == keys[:-1, 2] + 1)
    changes = np.diff(means.to_numpy())[is_next]
    return max(robust(changes)[1], LEAST_SPREAD) if len(changes) else LEAST_SPREAD
