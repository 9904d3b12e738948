"""A synthetic world for tests of exports: everything that a table of tracks can hold, on a small field."""

from __future__ import annotations

import numpy as np
import pandas as pd
from cases import cell, walk, world

PITCH_UM = 1.3
SHAPE_YX = (70, 110)
N_FRAMES = 17
INTERVAL_H = 1 / 6

LATE = 70000
"""A name beyond 16 bits."""


def family() -> pd.DataFrame:
    """Divisions into two and three, gaps, cells of one frame, a frame without cells; rows in no order.

    Cell 0 divides after frame 4 into 1 and 2. Cell 1 is missed in frames 7 and 8 and divides after frame 10
    into 3, 4 and 5, of which 3 is seen in frame 12 only; nothing is seen in frame 11. Cell 7 is seen once.
    Cell LATE is missed in frames 4 and 5, cut by the border, without a standard error, and measured by
    another model, whose name XML and CSV must escape.
    """
    parts = [
        cell(0, 0, walk((20.1, 30.7), (0.3, 0.9), 5, 400.0)),
        _without(cell(1, 5, walk((12.2, 36.1), (-0.4, 1.1), 6, 201.0), parent_id=0), 7, 8),
        cell(2, 5, walk((30.9, 38.3), (0.7, 0.6), 4, 199.0), parent_id=0),
        cell(3, 12, walk((1.7, 30.3), (0.0, 0.0), 1, 70.0), parent_id=1),
        cell(4, 12, walk((20.6, 45.2), (0.5, 0.5), 3, 66.0), parent_id=1),
        cell(5, 12, walk((7.8, 61.4), (0.5, -0.5), 2, 64.0), parent_id=1),
        cell(7, 3, walk((70.3, 100.9), (0.0, 0.0), 1, 333.3), lineage_id=7),
        _without(cell(LATE, 2, walk((88.8, 2.2), (0.1, 0.2), 5, 1 / 3), lineage_id=LATE), 4, 5).assign(
            dry_mass_se_pg=np.nan, touches_border=True, model='own, "<1 & 2>"'
        ),
    ]
    return world(*parts).sample(frac=1, random_state=3).reset_index(drop=True)


def sorted_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows by frame and cell, numbered from 0."""
    return table.sort_values(["frame", "cell_id"], ignore_index=True)


def links(table: pd.DataFrame) -> set[tuple[tuple[int, int], tuple[int, int]]]:
    """Return the edges that a table stands for, found row by row: pairs of (cell, frame)."""
    seen = {c: sorted(group["frame"].tolist()) for c, group in table.groupby("cell_id")}
    mothers = dict(zip(table["cell_id"].tolist(), table["parent_id"].tolist(), strict=True))
    found = {
        ((c, a), (c, b)) for c, frames in seen.items() for a, b in zip(frames[:-1], frames[1:], strict=True)
    }
    return found | {((m, seen[m][-1]), (c, seen[c][0])) for c, m in mothers.items() if m != -1}


def _without(table: pd.DataFrame, *frames: int) -> pd.DataFrame:
    return table[~table["frame"].isin(frames)]
