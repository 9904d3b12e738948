"""What a normal path would have measured, as a normal distribution over all its points.

A path has a level at its start and, for each cell, a growth rate, a bulge (growth lies between linear and
exponential) and a ratio at its birth; all are normally distributed in ln(dry mass) around what the norms
say. The dry mass at each birth is known by itself as well: cells keep their size. With the noise, and with
the slow ups and downs of measured dry mass (`wander`), this makes a joint normal distribution, whose Cholesky
factor gives the probability of the history and, for any deviation of a given shape, how much more probable
it makes it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from lensfree.anomaly.condensed import Condensed
from lensfree.anomaly.norms import Norms
from lensfree.anomaly.robust import correlation_after

BULGE, BULGE_SPREAD = 0.03, 0.03
"""A cell that doubles linearly lies 0.06 above the exponential in its middle; others lie between."""


@dataclass(frozen=True)
class Expectation:
    """The normal distribution of a path.

    The rows are the bins in order of time and, before the first bin of each cell but the first, one row that
    says how heavy cells are at birth.

    Attributes:
        history: what was condensed.
        norms: what is normal.
        is_birth: (rows,) whether a row stands for a birth.
        row_h: (rows,) time of each row [h].
        row_life: (rows,) cell of each row.
        whitener: (rows, rows) inverse of the Cholesky factor of the covariance.
        white: (rows,) whitened deviations.
        birth_whitener: the same of the births alone, without measurements.
        birth_white: the same.
    """

    history: Condensed
    norms: Norms
    is_birth: np.ndarray
    row_h: np.ndarray
    row_life: np.ndarray
    whitener: np.ndarray
    white: np.ndarray
    birth_whitener: np.ndarray
    birth_white: np.ndarray

    @property
    def rows_of_bins(self) -> np.ndarray:
        """Return the row of each bin."""
        return np.flatnonzero(~self.is_birth)

    def log_probability_before(self) -> np.ndarray:
        """Return for each bin, and at last for all, the ln probability density of the bins before it."""
        own = np.log(np.diag(self.whitener)) - self.white**2 / 2
        own_births = np.zeros(len(own))
        own_births[self.is_birth] = np.log(np.diag(self.birth_whitener)) - self.birth_white**2 / 2
        total = np.append(
            0.0, np.cumsum(own - own_births - np.where(self.is_birth, 0, np.log(2 * np.pi) / 2))
        )
        return total[np.append(self.rows_of_bins, len(own))]

    def gain(
        self, shape: np.ndarray, mean: float | np.ndarray, sd: float, given: np.ndarray | None = None
    ) -> np.ndarray:
        """Return how much more probable, in ln, deviations make the history.

        Args:
            shape: (rows, b) shapes of deviation, one per column, whose size is normally distributed.
            mean: mean size.
            sd: its sd.
            given: (rows, b) deviations that are there anyway.
        """
        data = _gain(self.whitener, self.white, shape, mean, sd, given)
        at = self.is_birth
        if not at.any() or not (shape[at].any() or (given is not None and given[at].any())):
            return data
        fixed = None if given is None else given[at]
        return data - _gain(self.birth_whitener, self.birth_white, shape[at], mean, sd, fixed)

    def gain_together(self, shapes: np.ndarray, mean: np.ndarray, sd: np.ndarray) -> np.ndarray:
        """Return the same for k deviations (rows, k) at once, for each of m choices of mean sizes (k, m)."""
        data = _gain_together(self.whitener @ shapes, self.white, mean, sd)
        births = _gain_together(self.birth_whitener @ shapes[self.is_birth], self.birth_white, mean, sd)
        return data - births

    def precision(self) -> tuple[np.ndarray, np.ndarray]:
        """Return inverse covariance of the bins and its product with the deviations, births as they are."""
        bins = self.rows_of_bins
        part = self.whitener[:, bins]
        return part.T @ part, part.T @ self.white


def _gain(
    whitener: np.ndarray,
    white: np.ndarray,
    shape: np.ndarray,
    mean: float | np.ndarray,
    sd: float,
    given: np.ndarray | None,
) -> np.ndarray:
    z = white[:, None] if given is None else white[:, None] - whitener @ given
    w = whitener @ shape
    fixed = ((white**2).sum() - (z**2).sum(axis=0)) / 2
    return fixed + gain_of_size((w * w).sum(axis=0), (w * z).sum(axis=0), mean, sd)


def _gain_together(w: np.ndarray, z: np.ndarray, mean: np.ndarray, sd: np.ndarray) -> np.ndarray:
    own = sd[:, None] ** -2.0
    square = w.T @ w + np.diag(own[:, 0])
    product = (w.T @ z)[:, None] + mean * own
    fit = (product * np.linalg.solve(square, product) - mean**2 * own).sum(axis=0)
    return (fit - np.linalg.slogdet(square)[1]) / 2 - np.log(sd).sum()


def gain_of_size(square: np.ndarray, product: np.ndarray, mean: float | np.ndarray, sd: float) -> np.ndarray:
    """Return the ln gain of a deviation of normally distributed size.

    Args:
        square: squared length of the whitened shape.
        product: its product with the whitened deviations.
        mean: mean size.
        sd: its sd.
    """
    own = sd**-2.0
    return ((product + mean * own) ** 2 / (square + own) - mean**2 * own - np.log1p(sd**2 * square)) / 2


def expect(history: Condensed, norms: Norms) -> Expectation:
    """Return what a normal path with these divisions would have measured, against what was measured."""
    lives = len(history.birth_h)
    first_bin = np.searchsorted(history.life, np.arange(1, lives))
    is_birth = np.insert(np.zeros(len(history.ln), dtype=bool), first_bin, True)
    row_h = np.insert(history.time_h, first_bin, history.birth_h[1:])
    row_life = np.insert(history.life, first_bin, np.arange(1, lives))
    design, centre, spread = _design(history, norms, row_h, row_life)
    measured = np.full(len(row_h), np.log(norms.birth_dry_mass_pg))
    noise = np.full(len(row_h), norms.birth_spread)
    measured[~is_birth], noise[~is_birth] = history.ln, history.sd
    deviation = measured - design @ centre
    scaled = design * spread
    covariance = scaled @ scaled.T
    covariance[np.diag_indices_from(covariance)] += noise**2
    covariance += _wander(norms, row_h, row_life, is_birth)
    whitener = _whitener(covariance)
    births = np.ix_(is_birth, is_birth)
    birth_whitener = _whitener(covariance[births])
    return Expectation(
        history,
        norms,
        is_birth,
        row_h,
        row_life,
        whitener,
        whitener @ deviation,
        birth_whitener,
        birth_whitener @ deviation[is_birth],
    )


def _wander(norms: Norms, row_h: np.ndarray, row_life: np.ndarray, is_birth: np.ndarray) -> np.ndarray:
    """Return the covariance of the slow ups and downs: those of a cell, none in what births should weigh."""
    apart_h = np.abs(row_h[:, None] - row_h)
    together = (row_life[:, None] == row_life) & ~is_birth[:, None] & ~is_birth
    return norms.wander_spread**2 * np.where(together, correlation_after(apart_h, norms.wander_memory_h), 0.0)


def _whitener(covariance: np.ndarray) -> np.ndarray:
    if not len(covariance):
        return covariance
    factor = np.linalg.cholesky(covariance)
    return solve_triangular(factor, np.eye(len(factor)), lower=True, check_finite=False)


def _design(
    history: Condensed, norms: Norms, row_h: np.ndarray, row_life: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return design (rows, parameters), and mean and sd of the parameters."""
    lives = len(history.birth_h)
    stop_h = np.append(history.birth_h[1:], history.end_h)
    age_h = np.clip(row_h[:, None], history.birth_h, stop_h) - history.birth_h
    seen_h = stop_h - history.birth_h
    whole_h = np.maximum(seen_h, norms.cycle_h)
    whole_h[1:-1] = seen_h[1:-1]
    begun_h = np.zeros(lives)
    if lives > 1:
        begun_h[0] = whole_h[0] - seen_h[0]
    phase = (age_h + begun_h) / np.maximum(whole_h, 1e-6)
    bulge = np.where(np.arange(lives) == row_life[:, None], 4 * phase * (1 - phase), 0.0)
    born = (row_life[:, None] >= np.arange(1, lives)).astype(np.float64)
    design = np.hstack([np.ones((len(row_h), 1)), born, age_h, bulge])
    sizes = (1, lives - 1, lives, lives)
    centre = np.repeat(
        [np.log(norms.dry_mass_pg), np.log(norms.division_ratio), norms.growth_rate_per_h, BULGE], sizes
    )
    spread = np.repeat(
        [norms.dry_mass_spread, norms.division_spread, norms.growth_rate_sd_per_h, BULGE_SPREAD], sizes
    )
    return design, centre, spread
