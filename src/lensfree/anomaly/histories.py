"""Dry-mass histories before they are cut: pooled over acquisitions, grouped by lineage, on one grid."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

GRID_TOLERANCE = 0.02
"""Share of a step by which times may be off the grid."""


def lineages(series: pd.DataFrame) -> dict[int, int]:
    """Return for every series_id a number shared by all histories that share a cell with it."""
    pairs = series[["series_id", "cell_id"]].drop_duplicates()
    series_ids, row = np.unique(pairs["series_id"].to_numpy(), return_inverse=True)
    _, column = np.unique(pairs["cell_id"].to_numpy(), return_inverse=True)
    n = len(series_ids)
    size = n + (int(column.max()) + 1 if len(column) else 0)
    graph = coo_array((np.ones(len(row), dtype=np.int8), (row, column + n)), shape=(size, size))
    component = connected_components(graph, directed=False)[1] if n else np.empty(0, dtype=np.int64)
    return {int(name): int(component[index]) for index, name in enumerate(series_ids)}


def pool_series(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put the histories of several acquisitions into one table, with identities that do not meet."""
    pooled, next_series, next_cell = [], 0, 0
    for table in tables:
        if table.empty:
            continue
        shifted = table.assign(
            series_id=table["series_id"] - table["series_id"].min() + next_series,
            cell_id=table["cell_id"] - table["cell_id"].min() + next_cell,
        )
        next_series = int(shifted["series_id"].max()) + 1
        next_cell = int(shifted["cell_id"].max()) + 1
        pooled.append(shifted)
    return pd.concat(pooled, ignore_index=True) if pooled else tables[0]


def blocks(series: pd.DataFrame, rows: int) -> Iterator[pd.DataFrame]:
    """Yield whole histories in rising order of series_id, as many at a time as come to `rows` rows or more.

    Args:
        series: table under `contracts.SERIES`, rows in any order.
        rows: enough for a block.
    """
    ids = series["series_id"].to_numpy()
    if (ids[1:] < ids[:-1]).any():
        series = series.iloc[np.argsort(ids, kind="stable")]
        ids = series["series_id"].to_numpy()
    ends = [*(np.flatnonzero(ids[1:] != ids[:-1]) + 1).tolist(), len(ids)]
    start = 0
    while start < len(ids):
        stop = ends[min(bisect_left(ends, start + rows), len(ends) - 1)]
        yield series.iloc[start:stop]
        start = stop


def blocks_of_parts(parts: Iterable[pd.DataFrame], rows: int) -> Iterator[pd.DataFrame]:
    """Yield the same blocks as `blocks` of a table that comes in parts, in rising order of series_id.

    Besides a part, no more rows than those of a block are held.
    """
    held = pd.DataFrame()
    for part in parts:
        held = pd.concat([held, part], ignore_index=True) if len(held) else part
        # The last history may go on in the next part.
        last = (
            int(np.searchsorted(held["series_id"].to_numpy(), held["series_id"].iloc[-1])) if len(held) else 0
        )
        for block in blocks(held.iloc[:last], rows):
            if len(block) < rows:
                break
            yield block
            held = held.iloc[len(block) :]
    yield from blocks(held, rows) if len(held) else ()


def bounds_of(ids: np.ndarray) -> np.ndarray:
    """Return at which row each history begins, rows of a history one after the other, and how many rows there
    are."""
    is_first = np.append(True, ids[1:] != ids[:-1])[: len(ids)]
    return np.append(np.flatnonzero(is_first), len(ids))


def each_history(series: pd.DataFrame, columns: Sequence[str]) -> Iterator[tuple[int, list[np.ndarray]]]:
    """Yield series_id, and these columns in order of time, of one history after the other.

    Args:
        series: table under `contracts.SERIES`, rows in any order.
        columns: which columns.
    """
    ids, time_h = series["series_id"].to_numpy(), series["time_h"].to_numpy(dtype=np.float64)
    order = np.lexsort([time_h, ids])
    ids = ids[order]
    values = [series[column].to_numpy()[order] for column in columns]
    bounds = bounds_of(ids)
    for start, stop in zip(bounds[:-1], bounds[1:], strict=True):
        yield int(ids[start]), [column[start:stop] for column in values]


def on_grid(
    series_id: int, time_h: np.ndarray, dry_mass_pg: np.ndarray, cell_id: np.ndarray, interval_h: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return time [h], dry mass [pg] and cell of one history on a grid from its first point on.

    Values between points are interpolated linearly. Between the last point of a mother and the first of
    a daughter they are a mixture of both and count as the mother's.

    Args:
        series_id: of the history.
        time_h: of its points, rising [h].
        dry_mass_pg: of its points [pg].
        cell_id: of its points.
        interval_h: step of the grid [h].

    Raises:
        ValueError: if the history has a gap or a dry mass that is not finite.
    """
    _check_history(series_id, time_h, dry_mass_pg)
    steps = int(np.floor((time_h[-1] - time_h[0]) / interval_h + GRID_TOLERANCE))
    grid_h = time_h[0] + interval_h * np.arange(steps + 1)
    if len(grid_h) == len(time_h) and np.allclose(grid_h, time_h, rtol=0, atol=GRID_TOLERANCE * interval_h):
        return time_h, dry_mass_pg, cell_id
    before = np.searchsorted(time_h, grid_h + GRID_TOLERANCE * interval_h, side="right") - 1
    return grid_h, np.interp(grid_h, time_h, dry_mass_pg), cell_id[before]


def _check_history(series_id: int, time_h: np.ndarray, dry_mass_pg: np.ndarray) -> None:
    if not np.isfinite(dry_mass_pg).all():
        raise ValueError(
            f"series {series_id} has {int((~np.isfinite(dry_mass_pg)).sum())} dry masses that are "
            "not finite, expected none; rerun the stage series, which fills or splits at missing points"
        )
    step_h = np.diff(time_h)
    if len(step_h) and step_h.max() - step_h.min() > 2 * GRID_TOLERANCE * np.median(step_h):
        raise ValueError(
            f"series {series_id} has steps from {step_h.min():.4g} to {step_h.max():.4g} h, expected "
            "a regular grid; rerun the stage series, which fills or splits at missing points"
        )
