"""Between which dry masses a normal cell would have gone on, given what was measured of it until then."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from lensfree.anomaly.condensed import condense
from lensfree.anomaly.expectation import expect
from lensfree.anomaly.norms import Norms

WIDTH_SD = 2.0
"""Half the width of the band: 95 % of normal paths lie in it at any one time."""


def foreseen(rows: pd.DataFrame, norms: Norms, from_h: float = float("nan")) -> pd.DataFrame:
    """Return the band in which a history should lie from a time on, if its cell is normal.

    The model is that of the known kinds (`expectation`): level, growth, and ratio at each division vary as
    the norms say. When the cell divided is taken as known, and what was measured before `from_h`.

    Args:
        rows: one history under `contracts.SERIES`.
        norms: what is normal for the population.
        from_h: when the band begins [h]; NaN, or the beginning of the history, takes nothing as measured.

    Returns:
        `time_h, low_pg, middle_pg, high_pg`, a row per half hour; none where nothing was measured from then
        on.

    Raises:
        ValueError: as `condense`.
    """
    history = condense(rows, norms)
    columns = ("time_h", "low_pg", "middle_pg", "high_pg")
    since_h = float(from_h) if np.isfinite(from_h) else -np.inf
    is_asked = history.time_h >= since_h - 1e-6
    if not is_asked.any():
        return pd.DataFrame({name: np.empty(0) for name in columns})
    expected = expect(history, norms)
    factor = solve_triangular(expected.whitener, np.eye(len(expected.whitener)), lower=True)
    covariance, deviation = factor @ factor.T, factor @ expected.white
    asked = expected.rows_of_bins[is_asked]
    # Rows of births are no measurements: they say how heavy newborn cells are, and always count.
    known = np.setdiff1d(np.arange(len(deviation)), asked)
    mean, variance = np.zeros(len(asked)), np.diag(covariance)[asked]
    if len(known):
        solver = cho_factor(covariance[np.ix_(known, known)], lower=True)
        between = covariance[np.ix_(known, asked)]
        mean = between.T @ cho_solve(solver, deviation[known])
        variance = variance - (between * cho_solve(solver, between)).sum(axis=0)
    middle = history.ln[is_asked] - deviation[asked] + mean
    reach = WIDTH_SD * np.sqrt(variance)
    curves = (history.time_h[is_asked], *(np.exp(middle + side * reach) for side in (-1, 0, 1)))
    return pd.DataFrame(dict(zip(columns, curves, strict=True)))
