"""What happened to cells, one row each, with what it cost to believe it.

division      cell_id divided, related_id is a daughter; a row per daughter
fusion        cell_id and related_id were found as one for n_frames; each got its share
swap          the two had each other's tracks after it, which was put right
gap           cell_id was lost for n_frames and found again
birth         cell_id appeared inside the field without a mother
enters_field  the same at the border
death         cell_id ended inside the field after it had lost dry mass
lost          cell_id ended inside the field and no one knows why
leaves_field  cell_id ended at the border
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from lensfree.tracks.fusion_rows import DETECTION
from lensfree.tracks.lineage import Lineage

KINDS = ("division", "fusion", "swap", "gap", "birth", "enters_field", "death", "lost", "leaves_field")

COLUMNS = {
    "kind": str,
    "frame": np.int32,
    "time_h": float,
    "y_um": float,
    "x_um": float,
    "cell_id": np.int64,
    "related_id": np.int64,
    "n_frames": np.int64,
    "cost": float,
}
"""Columns of the table of events and their types."""

LAST_FRAMES, BEFORE_FRAMES = 3, 12
"""Looks at the end, and before them, that show whether a cell lost dry mass."""

DEATH_BELOW = 0.75
"""A cell that ends with less than this share of its dry mass died."""


def lineage_events(lineage: Lineage, met: pd.DataFrame, border_um: float) -> pd.DataFrame:
    """Return the events of an acquisition by frame.

    Args:
        lineage: the named cells, with the column `DETECTION`, and the decisions.
        met: where cells were found as one, as `resolve_fusions` returns it.
        border_um: a cell this near to the outermost positions of all cells is at the border.

    Returns:
        `COLUMNS`; `frame`, `time_h`, `y_um` and `x_um` are the first of a daughter, of a cell found again and
        of a cell that appears, the last of a cell that ends; `related_id` is -1 and `cost` NaN where there is
        none.
    """
    cells = lineage.cells
    if cells.empty:
        return pd.DataFrame(columns=list(COLUMNS)).astype(COLUMNS)
    time_of = cells.drop_duplicates("frame").set_index("frame")["time_h"]
    decisions = lineage.decisions
    is_gap = (decisions["kind"] == "gap").to_numpy()
    missed = (decisions["frame"] - decisions["frame_before"] - 1).to_numpy()
    parts = [decisions.assign(n_frames=np.where(is_gap, missed, 0))]
    parts += [_of_fusions(cells, met), _of_ends(cells, border_um)]
    parts = [part for part in parts if len(part)] or parts[:1]
    events = pd.concat(parts, ignore_index=True)
    events = events.assign(time_h=time_of.reindex(events["frame"]).to_numpy())[list(COLUMNS)].astype(COLUMNS)
    return events.sort_values(["frame", "cell_id", "related_id"], kind="stable", ignore_index=True)


def _of_fusions(cells: pd.DataFrame, met: pd.DataFrame) -> pd.DataFrame:
    if met.empty:
        return pd.DataFrame()
    detection = cells[DETECTION].to_numpy()
    cell_of = np.full(detection.max() + 1, -1)
    # the first row of a detection is written last and stays: later ones may be shares of other cells
    cell_of[detection[::-1]] = cells["cell_id"].to_numpy()[::-1]
    found = met.assign(kind="fusion", cell_id=cell_of[met["carrier"]], related_id=cell_of[met["missing"]])
    return pd.concat([found, found[met["is_crossed"]].assign(kind="swap", n_frames=0)], ignore_index=True)


def _of_ends(cells: pd.DataFrame, border_um: float) -> pd.DataFrame:
    cell_of, frame = cells["cell_id"].to_numpy(), cells["frame"].to_numpy()
    order = np.lexsort((frame, cell_of))  # of millions of rows a few are asked for: nothing else is sorted
    start = np.flatnonzero(np.diff(cell_of[order], prepend=-1))
    stop = np.append(start[1:], len(order))
    first, last = order[start], order[stop - 1]
    parent_id = cells["parent_id"].to_numpy()[first]
    begins = first[(parent_id < 0) & (frame[first] > frame.min())]
    is_last = ~np.isin(cell_of[first], parent_id) & (frame[last] < frame.max())
    ends = last[is_last]
    dry_mass_pg = cells["dry_mass_pg"].to_numpy()
    has_died = [
        _lost_dry_mass(dry_mass_pg[order[max(one, end - LAST_FRAMES - BEFORE_FRAMES) : end]])
        for one, end in zip(start[is_last].tolist(), stop[is_last].tolist(), strict=True)
    ]
    rows = np.concatenate([begins, ends])
    inside_um = np.min([_inside_um(cells[axis].to_numpy(), rows) for axis in ("y_um", "x_um")], axis=0)
    is_begin_at_border, is_end_at_border = np.split(inside_um < border_um, [len(begins)])
    kinds = np.concatenate(
        [
            np.where(is_begin_at_border, "enters_field", "birth"),
            np.where(is_end_at_border, "leaves_field", np.where(has_died, "death", "lost")),
        ]
    )
    found = cells[["frame", "y_um", "x_um", "cell_id"]].iloc[rows]
    return found.assign(kind=kinds, related_id=-1, n_frames=0, cost=np.nan)


def _inside_um(place_um: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return how far rows are inside the outermost of all places along one axis."""
    return np.minimum(place_um[rows] - place_um.min(), place_um.max() - place_um[rows])


def _lost_dry_mass(dry_mass_pg: np.ndarray) -> bool:
    before, at_last = dry_mass_pg[:-LAST_FRAMES], dry_mass_pg[-LAST_FRAMES:]
    return bool(len(before) and np.median(at_last) < DEATH_BELOW * np.median(before))
