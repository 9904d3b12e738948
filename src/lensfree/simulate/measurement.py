"""How simulated dry mass is measured: noise, slow ups and downs, outlines that are cut short."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

DIP_POINTS = (1, 4)
DIP_DEPTH = (0.3, 0.65)
"""What a cut outline leaves of the dry mass."""


@dataclass(frozen=True)
class SeriesNoise:
    """Errors of measured dry mass.

    Attributes:
        sd_pg: range of the sd, drawn anew for each series [pg].
        relative: sd as a share of dry mass, added in quadrature.
        correlation: of the noise of neighbouring points.
        wander: median over series of the sd of slow ups and downs of ln(dry mass); 0 for none.
        wander_h: time after which their correlation has fallen to 1/e [h].
        wander_variety: sd of ln of that sd between series.
        dips_per_h: how often an outline is cut short for some points [1/h].
    """

    sd_pg: tuple[float, float] = (8.0, 22.0)
    relative: float = 0.04
    correlation: float = 0.5
    wander: float = 0.0
    wander_h: float = 3.0
    wander_variety: float = 0.5
    dips_per_h: float = 0.0

    def times(self, factor: float) -> SeriesNoise:
        """Return a noise that is so many times as large; ups and downs and dips stay."""
        sd_pg = (factor * self.sd_pg[0], factor * self.sd_pg[1])
        return replace(self, sd_pg=sd_pg, relative=factor * self.relative)


def measure(
    rng: np.random.Generator, noise: SeriesNoise, dry_mass_pg: np.ndarray, interval_h: float
) -> np.ndarray:
    """Return a dry mass as it is measured.

    Args:
        rng: source of everything random; nothing is drawn for what is 0.
        noise: the errors.
        dry_mass_pg: true, at regular times [pg].
        interval_h: between two points [h].
    """
    correlated = _correlated(rng, dry_mass_pg.size, noise.correlation)
    sd_pg = np.hypot(rng.uniform(*noise.sd_pg), noise.relative * dry_mass_pg)
    slow = np.zeros(dry_mass_pg.size)
    if noise.wander > 0:
        spread = noise.wander * np.exp(noise.wander_variety * rng.standard_normal())
        lasting = float(np.exp(-interval_h / noise.wander_h))
        slow = spread * _correlated(rng, dry_mass_pg.size, lasting)
    measured = dry_mass_pg * np.exp(slow) + sd_pg * correlated
    if noise.dips_per_h > 0:
        for _ in range(rng.poisson(noise.dips_per_h * interval_h * dry_mass_pg.size)):
            first = int(rng.integers(dry_mass_pg.size))
            measured[first : first + int(rng.integers(*DIP_POINTS))] *= rng.uniform(*DIP_DEPTH)
    return np.maximum(measured, 1.0)


def _correlated(rng: np.random.Generator, size: int, correlation: float) -> np.ndarray:
    """Return normal deviates whose neighbours are correlated."""
    white = rng.standard_normal(size)
    out = np.empty_like(white)
    out[0] = white[0]
    fresh = (1 - correlation**2) ** 0.5
    for k in range(1, size):
        out[k] = correlation * out[k - 1] + fresh * white[k]
    return out
