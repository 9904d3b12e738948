"""Simulated laboratories that differ in cell line and microscope, for models applied elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from lensfree.simulate.lives import Culture
from lensfree.simulate.measurement import SeriesNoise
from lensfree.simulate.series import simulate_series

MEDIAN_PG = 190.0
"""Median dry mass of histories of `Culture()` [pg], rounded."""
RESTLESS_SHARE = 0.5
"""Share of laboratories whose cells are measured with ups and downs and dips."""


@dataclass(frozen=True)
class Laboratory:
    """What the histories of a laboratory have in common: how its cells live and how it measures."""

    culture: Culture = field(default_factory=Culture)
    noise: SeriesNoise = field(default_factory=SeriesNoise)


HOME = Laboratory()
"""The one that everything else is simulated in."""

ABROAD = Laboratory(
    Culture(cycle_h=24.0, cycle_cv=0.15, birth_dry_mass_pg=165.0, linear_fraction=0.7, founder_cv=0.15),
    SeriesNoise().times(1.4),
)
"""Larger and slower cells that differ more among each other and mostly grow linearly, measured worse."""

RESTLESS = Laboratory(noise=SeriesNoise(wander=0.05, wander_h=3.0, dips_per_h=0.02))
"""The cells of home, whose dry mass is measured with ups and downs of hours and with cut outlines, about as
that of real ones in `demo/real/livecyte_movie`."""


def draw_laboratory(rng: np.random.Generator) -> Laboratory:
    """Draw a laboratory from what cell lines and microscopes may differ in.

    Cycles of 16 to 30 h, their spread, sizes and spreads of founders, how many cells grow linearly, how
    equally they divide, and 0.7 to 1.6 times the noise of `HOME`: ranges that are wide, not measured. In half
    of them dry mass goes up and down for hours and outlines are cut short now and then, up to what was
    measured on a movie of real cells (`demo/real/livecyte_movie`).
    """
    culture = Culture(
        cycle_h=rng.uniform(16.0, 30.0),
        cycle_cv=rng.uniform(0.10, 0.18),
        birth_dry_mass_pg=rng.uniform(110.0, 190.0),
        founder_cv=rng.uniform(0.08, 0.20),
        linear_fraction=rng.uniform(0.0, 1.0),
        asymmetry_sd=rng.uniform(0.02, 0.05),
    )
    noise = SeriesNoise().times(rng.uniform(0.7, 1.6))
    is_restless = bool(rng.random() < RESTLESS_SHARE)
    wander, wander_h, dips_per_h = rng.uniform(0.02, 0.08), rng.uniform(2.0, 6.0), rng.uniform(0.0, 0.04)
    if is_restless:
        noise = replace(noise, wander=wander, wander_h=wander_h, dips_per_h=dips_per_h)
    return Laboratory(culture, noise)


def laboratory_of_series(n_laboratories: int, n_series: int) -> np.ndarray:
    """Return the number of the laboratory of each series_id of `simulate_laboratories`."""
    parts = np.array_split(np.arange(n_series), n_laboratories)
    return np.repeat(np.arange(n_laboratories), [len(part) for part in parts])


def simulate_laboratories(
    n_laboratories: int,
    n_series: int,
    length_range: tuple[int, int],
    rng: np.random.Generator,
    abnormal_fraction: float,
) -> pd.DataFrame:
    """Simulate histories of many laboratories, each scaled to the same median dry mass.

    Args:
        n_laboratories: how many are drawn.
        n_series: histories in all, the laboratories have equally many (some one more).
        length_range: fewest and most points of a history.
        rng: source of everything random.
        abnormal_fraction: share of abnormal histories.

    Returns:
        Series table as `simulate_series` returns it; the median of each laboratory is that of `Culture()`,
        as a detector sees it that takes the median of a population as its unit.
    """
    tables: list[pd.DataFrame] = []
    of_series = laboratory_of_series(n_laboratories, n_series)
    for part in (np.flatnonzero(of_series == number) for number in range(n_laboratories)):
        laboratory = draw_laboratory(rng)
        table = simulate_series(
            len(part),
            length_range,
            rng,
            abnormal_fraction,
            culture=laboratory.culture,
            noise=laboratory.noise,
        )[0]
        scale = MEDIAN_PG / table["dry_mass_pg"].median()
        tables.append(
            table.assign(
                dry_mass_pg=table["dry_mass_pg"] * scale,
                series_id=table["series_id"] + part[0],
                cell_id=table["cell_id"] + 100 * part[0],
            )
        )
    return pd.concat(tables, ignore_index=True)
