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
    cell_of = cells.drop_duplicates(DETECTION).set_index(DETECTION)["cell_id"]
    found = met.assign(
        kind="fusion",
        cell_id=cell_of.reindex(met["carrier"]).to_numpy(),
        related_id=cell_of.reindex(met["missing"]).to_numpy(),
    )
    return pd.concat([found, found[met["is_crossed"]].assign(kind="swap", n_frames=0)], ignore_index=True)


def _of_ends(cells: pd.DataFrame, border_um: float) -> pd.DataFrame:
    ordered = cells.sort_values(["cell_id", "frame"], kind="stable", ignore_index=True)
    cell_id, start = np.unique(ordered["cell_id"].to_numpy(), return_index=True)
    last = np.append(start[1:], len(ordered)) - 1
    frame = ordered["frame"].to_numpy()
    position_um = ordered[["y_um", "x_um"]].to_numpy()
    inside_um = np.minimum(position_um - position_um.min(axis=0), position_um.max(axis=0) - position_um)
    is_at_border = inside_um.min(axis=1) < border_um
    parent_id = ordered["parent_id"].to_numpy()
    begins = start[(parent_id[start] < 0) & (frame[start] > frame.min())]
    is_last = ~np.isin(cell_id, parent_id) & (frame[last] < frame.max())
    ends, ended = last[is_last], start[is_last]
    dry_mass_pg = ordered["dry_mass_pg"].to_numpy()
    has_died = [
        _lost_dry_mass(dry_mass_pg[max(first, end + 1 - LAST_FRAMES - BEFORE_FRAMES) : end + 1])
        for first, end in zip(ended.tolist(), ends.tolist(), strict=True)
    ]
    kinds = np.concatenate(
        [
            np.where(is_at_border[begins], "enters_field", "birth"),
            np.where(is_at_border[ends], "leaves_field", np.where(has_died, "death", "lost")),
        ]
    )
    rows = np.concatenate([begins, ends])
    return ordered.loc[rows, ["frame", "y_um", "x_um", "cell_id"]].assign(
        kind=kinds, related_id=-1, n_frames=0, cost=np.nan
    )


def _lost_dry_mass(dry_mass_pg: np.ndarray) -> bool:
    before, at_last = dry_mass_pg[:-LAST_FRAMES], dry_mass_pg[-LAST_FRAMES:]
    return bool(len(before) and np.median(at_last) < DEATH_BELOW * np.median(before))
