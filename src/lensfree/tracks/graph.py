"""Tracks as a graph: one node per cell and frame, one edge to where the same cell or a daughter is next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

NO_PARENT = -1


class TrackGraphError(ValueError):
    """The tracks are no forest of cells; the message names the first cell that is wrong and what to do."""


@dataclass(frozen=True)
class TrackGraph:
    """Tracks in the order of frames, and their edges.

    Attributes:
        cells: the table of tracks, sorted by frame and cell; its row numbers name the nodes.
        edges: int64 (n, 2), rows of an earlier and a later node, sorted by the later one. Each node has at
            most one earlier neighbour. Frames that a cell is missed in are jumped over.
        is_division: bool (n,), whether an edge leads from a mother to her daughter.
    """

    cells: pd.DataFrame
    edges: np.ndarray
    is_division: np.ndarray


def build_graph(tracks: pd.DataFrame) -> TrackGraph:
    """Connect the rows of a table of tracks.

    Args:
        tracks: `frame, time_h, y_um, x_um, cell_id, parent_id, lineage_id`; further columns are kept.

    Raises:
        TrackGraphError: if a position or time is not finite, a frame is negative, a cell occurs twice in a
            frame or has two mothers or founders, a mother has no rows or lives on after the birth of
            her daughter, or a founder's name is not that of her descendants' lineage.
    """
    cells = tracks.sort_values(["frame", "cell_id"], kind="stable", ignore_index=True)
    _check_rows(cells)
    order = np.lexsort((cells["frame"].to_numpy(), cells["cell_id"].to_numpy()))
    cell_id = cells["cell_id"].to_numpy()[order]
    is_birth = np.diff(cell_id, prepend=cell_id[:1] - 1) != 0
    births = np.flatnonzero(is_birth)
    first, last = order[births], order[np.append(births[1:], len(order)) - 1] if len(births) else order[:0]
    _check_names(cells, order, np.cumsum(is_birth) - 1, first)
    mother, daughter = _mothers(cells, first)
    source = np.concatenate([order[np.flatnonzero(~is_birth) - 1], last[mother]])
    target = np.concatenate([order[~is_birth], first[daughter]])
    _check_births(cells, last[mother], first[daughter])
    by_target = np.argsort(target, kind="stable")
    edges = np.stack([source, target], axis=1)[by_target].astype(np.int64)
    is_division = np.arange(len(target))[by_target] >= len(target) - len(daughter)
    return TrackGraph(cells, edges, is_division)


def _check_rows(cells: pd.DataFrame) -> None:
    for name in ("y_um", "x_um", "time_h"):
        wrong = np.flatnonzero(~np.isfinite(cells[name].to_numpy(dtype=np.float64)))
        if len(wrong):
            row = cells.iloc[wrong[0]]
            raise TrackGraphError(
                f"'{name}' of cell {row['cell_id']} in frame {row['frame']} is {row[name]}, expected a "
                f"finite number ({len(wrong)} such rows); remove the rows or track again"
            )
    if len(cells) and cells["frame"].iloc[0] < 0:
        row = cells.iloc[0]
        raise TrackGraphError(
            f"cell {row['cell_id']} is in frame {row['frame']}, expected frames from 0; track again"
        )
    twice = np.flatnonzero(cells.duplicated(["frame", "cell_id"]))
    if len(twice):
        row = cells.iloc[twice[0]]
        raise TrackGraphError(
            f"cell {row['cell_id']} has more than one row in frame {row['frame']}, expected one "
            f"({len(twice)} rows too many); track again"
        )


def _check_names(cells: pd.DataFrame, order: np.ndarray, life: np.ndarray, first: np.ndarray) -> None:
    """Check that a cell has one mother and one founder; `life` numbers the cells in the given order."""
    for name in ("parent_id", "lineage_id"):
        values = cells[name].to_numpy()
        wrong = np.flatnonzero(values[order] != values[first][life])
        if len(wrong):
            row = order[wrong[0]]
            raise TrackGraphError(
                f"cell {cells['cell_id'][row]} has '{name}' {values[first[life[wrong[0]]]]} and "
                f"{values[row]}, expected one; track again"
            )


def _mothers(cells: pd.DataFrame, first: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of mothers and of their daughters among the cells, whose first rows are given."""
    cell_id, parent_id = cells["cell_id"].to_numpy()[first], cells["parent_id"].to_numpy()[first]
    lineage_id = cells["lineage_id"].to_numpy()[first]
    daughter = np.flatnonzero(parent_id != NO_PARENT)
    mother = np.searchsorted(cell_id, parent_id[daughter])
    is_known = mother < len(cell_id)
    is_known[is_known] = cell_id[mother[is_known]] == parent_id[daughter][is_known]
    if not is_known.all():
        lost = daughter[~is_known][0]
        raise TrackGraphError(
            f"cell {cell_id[lost]} has the mother {parent_id[lost]}, which has no rows; expected a cell of "
            f"the table or {NO_PARENT}: export the whole table of tracks"
        )
    founder = cell_id.copy()
    founder[daughter] = lineage_id[mother]
    wrong = np.flatnonzero(lineage_id != founder)
    if len(wrong):
        raise TrackGraphError(
            f"cell {cell_id[wrong[0]]} is in lineage {lineage_id[wrong[0]]}, expected {founder[wrong[0]]}, "
            "that of its mother or, without one, its own name; track again"
        )
    return mother, daughter


def _check_births(cells: pd.DataFrame, mother_end: np.ndarray, birth: np.ndarray) -> None:
    frame, cell_id = cells["frame"].to_numpy(), cells["cell_id"].to_numpy()
    wrong = np.flatnonzero(frame[mother_end] >= frame[birth])
    if len(wrong):
        end, start = mother_end[wrong[0]], birth[wrong[0]]
        raise TrackGraphError(
            f"cell {cell_id[start]} is born in frame {frame[start]}, but its mother {cell_id[end]} is still "
            f"there in frame {frame[end]}; expected her to end before: track again"
        )
