"""Cells cut at their gaps: tracks without a missing frame, as the Cell Tracking Challenge wants them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lensfree.tracks.graph import TrackGraph


def cut_at_gaps(graph: TrackGraph) -> tuple[np.ndarray, pd.DataFrame]:
    """Cut every cell where it misses a frame; what follows is a child of what was before.

    Args:
        graph: tracks in the order of frames.

    Returns:
        The label of each row of `graph.cells`, int64 from 1; and the stretches, one row per label in its
        order: `label`, `first_frame`, `last_frame`, `parent_label` (0 if none), `cell_id`. Labels follow
        cells, and within a cell time.
    """
    frame, cell_id = graph.cells["frame"].to_numpy(), graph.cells["cell_id"].to_numpy()
    earlier, later = graph.edges.T
    is_start = np.ones(len(frame), dtype=bool)
    is_start[later] = graph.is_division | (frame[later] - frame[earlier] > 1)
    order = np.lexsort((frame, cell_id))
    label = np.empty(len(frame), dtype=np.int64)
    label[order] = np.cumsum(is_start[order])
    starts = order[is_start[order]]
    ends = order[np.append(np.flatnonzero(is_start[order])[1:], len(order)) - 1] if len(order) else starts
    before = np.full(len(frame), -1)
    before[later] = earlier
    parent = before[starts]
    parent_label = np.where(parent >= 0, label[parent], 0) if len(label) else parent
    return label, pd.DataFrame(
        {
            "label": np.arange(1, len(starts) + 1),
            "first_frame": frame[starts],
            "last_frame": frame[ends],
            "parent_label": parent_label,
            "cell_id": cell_id[starts],
        }
    )
