"""Pairing found cells with true ones, and how well their measures agree.

As in Allier et al., Front. Phys. 9:776805 (2022), section 2.4 and Eq. 6: pairs at most 10 um apart,
precision and recall, a straight line through estimate against truth, and the robust spread of the
error. Pairs come from an assignment (as many pairs as can be, of least total distance), not from the
nearest neighbour, which may give one cell to two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

SD_PER_MAD = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""


@dataclass(frozen=True)
class Detection:
    """How many cells were found: precision is n_paired_found / n_found, recall n_paired_true / n_true."""

    precision: float
    recall: float
    n_found: int
    n_true: int


@dataclass(frozen=True)
class Regression:
    """The least-squares line found = slope * true + intercept.

    Attributes:
        slope: of the line; 1 is perfect.
        intercept: of the line, in the unit of the measure.
        r2: coefficient of determination of this line, the squared correlation of found and true. It
            says nothing of slope and offset, which stand beside it.
        error_mad: 1.4826 * median(|error - median(error)|) of error = found - true, Eq. 6.
        n: number of pairs.
    """

    slope: float
    intercept: float
    r2: float
    error_mad: float
    n: int


def pair_cells(found: pd.DataFrame, truth: pd.DataFrame, max_distance_um: float = 10.0) -> np.ndarray:
    """Return pairs of row positions (n, 2): found, truth; each row is in one pair at most.

    Args:
        found: columns `y_um`, `x_um`, one frame.
        truth: likewise.
        max_distance_um: cells farther apart than this are no pair [um].

    Returns:
        int64 (n, 2), ordered by the row of `found`. There is no pairing with more pairs, and none with
        as many and less total distance.
    """
    found_um, truth_um = (table[["y_um", "x_um"]].to_numpy(float) for table in (found, truth))
    if not len(found_um) or not len(truth_um):
        return np.empty((0, 2), np.int64)
    near = cKDTree(found_um).sparse_distance_matrix(cKDTree(truth_um), max_distance_um, output_type="ndarray")
    rows, columns, distance_um = near["i"], near["j"], near["v"]
    # Cells that share no candidate do not compete: small assignments instead of one of 10,000 x 10,000.
    n_found, n_all = len(found_um), len(found_um) + len(truth_um)
    graph = coo_array((np.ones(len(rows)), (rows, columns + n_found)), shape=(n_all, n_all))
    group = connected_components(graph, directed=False)[1][rows]
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    pairs = [
        _assign(rows[part], columns[part], distance_um[part], max_distance_um)
        for part in np.split(order, starts[1:])
        if len(part)
    ]
    joined = np.concatenate(pairs) if pairs else np.empty((0, 2), np.int64)
    return joined[np.argsort(joined[:, 0])].astype(np.int64)


def detection(
    found: pd.DataFrame,
    truth: pd.DataFrame,
    pairs: np.ndarray,
    shape_um: tuple[float, float] | None = None,
    border_um: float = 0.0,
) -> Detection:
    """Return precision and recall; NaN where there is nothing to find or nothing was found.

    Args:
        found: columns `y_um`, `x_um`.
        truth: likewise.
        pairs: from `pair_cells`, of all cells: a cell inside may have its partner in the border.
        shape_um: extent of the field down and right; needed with `border_um`.
        border_um: cells nearer to the border of the field do not count, on either side [um].
    """
    is_found_inside = is_inside(found, shape_um, border_um)
    is_true_inside = is_inside(truth, shape_um, border_um)
    n_found, n_true = int(is_found_inside.sum()), int(is_true_inside.sum())
    return Detection(
        precision=float(is_found_inside[pairs[:, 0]].sum() / n_found) if n_found else float("nan"),
        recall=float(is_true_inside[pairs[:, 1]].sum() / n_true) if n_true else float("nan"),
        n_found=n_found,
        n_true=n_true,
    )


def regression(found: np.ndarray, truth: np.ndarray) -> Regression:
    """Return the line through found against true values of the same cells, and the spread of the error.

    Raises:
        ValueError: if the two differ in length, or there are fewer than 3 pairs or one true value only.
    """
    found, truth = np.asarray(found, float), np.asarray(truth, float)
    if found.shape != truth.shape or found.ndim != 1:
        raise ValueError(
            f"found has shape {found.shape} and truth {truth.shape}, expected one value per pair in each; "
            "take the rows that pair_cells names"
        )
    if len(found) < 3 or np.ptp(truth) == 0:
        raise ValueError(
            f"{len(found)} pairs with {len(np.unique(truth))} different true values, expected at least 3 "
            "pairs that differ; measure more cells"
        )
    true_part, found_part = truth - truth.mean(), found - found.mean()
    slope = float(true_part @ found_part / (true_part @ true_part))
    spread = float((true_part @ true_part) * (found_part @ found_part))
    error = found - truth
    return Regression(
        slope=slope,
        intercept=float(found.mean() - slope * truth.mean()),
        r2=float((true_part @ found_part) ** 2 / spread) if spread else 0.0,
        error_mad=float(SD_PER_MAD * np.median(np.abs(error - np.median(error)))),
        n=len(found),
    )


def is_inside(
    cells: pd.DataFrame, shape_um: tuple[float, float] | None, border_um: float = 0.0
) -> np.ndarray:
    """Return which cells lie in the field and at least `border_um` from its border; all without a field."""
    if shape_um is None:
        return np.ones(len(cells), bool)
    inside = [
        (cells[name] >= border_um) & (cells[name] <= extent - border_um)
        for name, extent in zip(("y_um", "x_um"), shape_um, strict=True)
    ]
    return np.asarray(inside[0] & inside[1], bool)


def _assign(
    rows: np.ndarray, columns: np.ndarray, distance_um: np.ndarray, max_distance_um: float
) -> np.ndarray:
    row_names, row_at = np.unique(rows, return_inverse=True)
    column_names, column_at = np.unique(columns, return_inverse=True)
    # A pair that may not be costs more than any number of pairs that may: first the count, then the distance.
    forbidden = (max_distance_um + 1.0) * (len(row_names) + len(column_names) + 1)
    cost = np.full((len(row_names), len(column_names)), forbidden)
    cost[row_at, column_at] = distance_um
    chosen_row, chosen_column = linear_sum_assignment(cost)
    is_pair = cost[chosen_row, chosen_column] < forbidden
    return np.stack([row_names[chosen_row[is_pair]], column_names[chosen_column[is_pair]]], axis=1)
