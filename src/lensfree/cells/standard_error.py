"""Standard error of a cell's dry mass: a few interpretable terms, weighed by what simulated cells show.

sigma^2 = sum over the terms of (coefficient * term)^2, each term a dry mass in pg that can be computed
from the table of cells. The coefficients are those for which 68.27 % of the errors |found - true| lie
within sigma whatever the terms are: a regression of the quantile (Koenker and Bassett, Econometrica 46:33,
1978), which asks nothing of the tails. sigma covers what is systematic too, because a user who reads one
dry mass wants to know how far the true one may be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.spatial import cKDTree

from lensfree.units import NM_PER_UM, dry_mass_pg

WITHIN_1 = 0.6827
"""Share of normally distributed errors within one standard error."""

TERMS: Mapping[str, str] = {
    "level_nm": "dry mass that 1 nm of OPD would have over the cell's area: the local background is off",
    "background": "the same for the sd of the frame's background",
    "relative": "the cell's dry mass",
    "heavy": "dry mass squared over 200 pg: a measurement that goes wrong with size",
    "thick_per_um": "dry mass times maximum OPD in um: phase that wraps",
    "neighbours": "sum over other cells of their dry mass, fading with their distance within 7 um",
    "alone": "dry mass, fading where cells cover the field: the level of sparse fields is another one",
    "border_pg": "1 pg, fading with the distance to the border within 5 um: cells that are cut",
    "missed": "dry mass, fading with the distance to the border within 20 um: light that misses the sensor",
}
"""What a coefficient multiplies, by its name; the coefficient has the unit that its name ends with, or 1."""

ADDED_LATER = frozenset({"missed"})
"""Terms that calibrations may lack because they are older: in the model they were made for it was 0."""

TYPICAL_PG = 200.0
NEIGHBOUR_UM = 7.0
BORDER_UM = 5.0
MISSED_UM = 20.0
WINDOW_UM = 100.0
COVERED = 0.15
_FAR = 7.0  # fading lengths beyond which a neighbour weighs less than a thousandth
_SOFTNESS = 0.1  # of the corner of the quantile loss, in ln(error)
_LEAST_PG = 1e-3
_MIN_CELLS = 100


@dataclass(frozen=True)
class ErrorModel:
    """Coefficients of the terms, in the order of `TERMS`."""

    coefficients: tuple[float, ...]

    def standard_error_pg(self, terms: np.ndarray) -> np.ndarray:
        """Return sigma (n,) [pg] of cells with these terms (n, term)."""
        return np.asarray(np.sqrt(np.square(terms * np.asarray(self.coefficients)).sum(axis=1)))


def error_terms(cells: pd.DataFrame, field_um: tuple[float, float], background_sd_nm: float) -> np.ndarray:
    """Return the terms (n, term) of all cells of one frame, in the order of `TERMS`.

    Args:
        cells: every cell of the frame, because neighbours count: `y_um`, `x_um`, `dry_mass_pg`,
            `area_um2`, `max_opd_nm`.
        field_um: height and width of the field [um].
        background_sd_nm: sd of OPD where no cell is [nm].
    """
    position_um = cells[["y_um", "x_um"]].to_numpy(float)
    found_pg = cells["dry_mass_pg"].to_numpy(float)
    area_um2 = cells["area_um2"].to_numpy(float)
    per_nm_pg = dry_mass_pg(area_um2 / NM_PER_UM)
    to_border_um = _to_border_um(position_um, field_um)
    terms = {
        "level_nm": per_nm_pg,
        "background": per_nm_pg * background_sd_nm,
        "relative": found_pg,
        "heavy": found_pg**2 / TYPICAL_PG,
        "thick_per_um": found_pg * cells["max_opd_nm"].to_numpy(float) / NM_PER_UM,
        "neighbours": _from_neighbours(position_um, found_pg),
        "alone": found_pg * np.exp(-_covered(position_um, area_um2, field_um) / COVERED),
        "border_pg": np.exp(-to_border_um / BORDER_UM),
        "missed": found_pg * np.exp(-to_border_um / MISSED_UM),
    }
    return np.stack([terms[name] for name in TERMS], axis=1)


def fit_error_model(terms: np.ndarray, error_pg: np.ndarray) -> ErrorModel:
    """Return the coefficients whose sigma is the 68.27 % quantile of the absolute errors.

    The loss is that of quantile regression on ln|error|, its corner rounded so that it can be descended:
    in logarithms a cell at the border does not outweigh a hundred others.

    Args:
        terms: (n, term), cells of many frames.
        error_pg: found less true dry mass (n,).

    Raises:
        ValueError: if the two do not belong together, are not finite, or are too few.
    """
    _check(terms, error_pg)
    size = np.sqrt(np.mean(np.square(terms), axis=0))
    is_there = size > 0
    squared = np.square(terms[:, is_there] / size[is_there])
    log_error = np.log(np.maximum(np.abs(error_pg), _LEAST_PG))

    def loss(log_weight: np.ndarray) -> tuple[float, np.ndarray]:
        weight = np.exp(log_weight)
        variance = squared @ weight
        excess = log_error - np.log(variance) / 2
        value = WITHIN_1 * excess + _SOFTNESS * np.logaddexp(0.0, -excess / _SOFTNESS)
        slope = WITHIN_1 - 1 / (1 + np.exp(np.clip(excess / _SOFTNESS, -50, 50)))
        gradient = -(squared.T @ (slope / variance / 2)) * weight / len(excess)
        return float(value.mean()), gradient

    start = np.full(is_there.sum(), 2 * np.quantile(log_error, WITHIN_1) - np.log(is_there.sum()))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(-30.0, 30.0)] * len(start))
    coefficients = np.zeros(terms.shape[1])
    coefficients[is_there] = np.exp(found.x / 2) / size[is_there]
    # The rounded corner moves the quantile by a little; the last factor puts it where it belongs.
    sigma_pg = ErrorModel(tuple(coefficients)).standard_error_pg(terms)
    coefficients *= np.quantile(np.abs(error_pg) / sigma_pg, WITHIN_1)
    return ErrorModel(tuple(float(c) for c in coefficients))


def _from_neighbours(position_um: np.ndarray, found_pg: np.ndarray) -> np.ndarray:
    """Return the dry mass of other cells that reaches each cell."""
    first, second, distance_um = _pairs(position_um, _FAR * NEIGHBOUR_UM, 2.0)
    faded = np.exp(-distance_um / NEIGHBOUR_UM)
    count = len(found_pg)
    return np.bincount(first, faded * found_pg[second], count) + np.bincount(
        second, faded * found_pg[first], count
    )


def _covered(position_um: np.ndarray, area_um2: np.ndarray, field_um: tuple[float, float]) -> np.ndarray:
    """Return the share of a square around each cell, as far as it is in the field, that cells cover."""
    first, second, _ = _pairs(position_um, WINDOW_UM, np.inf)
    count = len(area_um2)
    covered_um2 = (
        area_um2 + np.bincount(first, area_um2[second], count) + np.bincount(second, area_um2[first], count)
    )
    sides_um = np.minimum(position_um + WINDOW_UM, field_um) - np.maximum(position_um - WINDOW_UM, 0.0)
    return covered_um2 / np.prod(sides_um, axis=1)


def _pairs(
    position_um: np.ndarray, reach_um: float, norm: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the pairs of cells in reach of each other under a norm, each once, and their distance."""
    if len(position_um) < 2:
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
    pairs = cKDTree(position_um).query_pairs(reach_um, p=norm, output_type="ndarray")
    first, second = pairs.T
    return first, second, np.linalg.norm(position_um[first] - position_um[second], axis=1)


def _to_border_um(position_um: np.ndarray, field_um: tuple[float, float]) -> np.ndarray:
    nearest_um = np.minimum(position_um, np.subtract(field_um, position_um)).min(axis=1, initial=np.inf)
    return np.asarray(np.maximum(nearest_um, 0.0))


def _check(terms: np.ndarray, error_pg: np.ndarray) -> None:
    if terms.ndim != 2 or terms.shape[1] != len(TERMS) or error_pg.shape != terms.shape[:1]:
        raise ValueError(
            f"terms have shape {terms.shape} and errors {error_pg.shape}, expected (n, {len(TERMS)}) and "
            "(n,); take the terms of the cells that were paired"
        )
    if not (np.isfinite(terms).all() and np.isfinite(error_pg).all()):
        raise ValueError("terms or errors hold values that are not finite; leave out cells without truth")
    if len(error_pg) < _MIN_CELLS:
        raise ValueError(
            f"{len(error_pg)} cells to calibrate on, expected at least {_MIN_CELLS}; raise "
            "calibrate_error.recipes"
        )
