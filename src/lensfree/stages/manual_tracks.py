"""Tracks that people made by hand, as tables of cells: positions and mothers, no measurement of a cell.

The source gives positions in pixels and no scale, so 1 pixel counts as 1 um here: an arbitrary unit. It
gives no dry mass either; every cell gets the same one, and a tracker has to be told that it says nothing.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from lensfree.units import MIN_PER_H

INTERVAL_MIN = 30.0
COLUMNS = ("TID", "tmin", "ypixel", "xpixel", "motherID")
SAME_FOR_ALL = {"dry_mass_pg": 200.0, "area_um2": 500.0, "max_opd_nm": 100.0, "length_um": 25.0}
"""What was not measured; like a cell's, so that no limit strikes."""

WITHOUT_MASS = {"log_mass_weight_um": 0.0}
"""What the section `track` has to say of such cells."""


def read_manual_tracks(path: Path) -> pd.DataFrame:
    """Read a file of the folder `mcf10a_lineages`.

    Args:
        path: CSV with a row per cell and frame and the columns `COLUMNS` among others: track, time [min],
            position [pixel], mother's track (0 for none).

    Returns:
        `frame, time_h, y_um, x_um, cell_id, parent_id` (-1 for none) and `SAME_FOR_ALL`, sorted by frame.
        A daughter begins after her mother's last row; her rows before it, of which there are few, are left
        out: no cell is its own daughter.

    Raises:
        ValueError: if a column is missing, a time is no multiple of 30 min, or a mother has no rows.
    """
    rows = pd.read_csv(path)
    missing = [name for name in COLUMNS if name not in rows.columns]
    if missing:
        raise ValueError(f"{path} lacks the columns {missing}; expected {list(COLUMNS)}")
    is_between = rows["tmin"] % INTERVAL_MIN != 0
    if is_between.any():
        raise ValueError(
            f"{path}: a row is at {rows['tmin'][is_between].iloc[0]} min, expected multiples of "
            f"{INTERVAL_MIN:g} min; the frame interval of these tracks is another"
        )
    last_min = rows.groupby("TID")["tmin"].max()
    has_mother = rows["motherID"] > 0
    unknown = sorted(set(rows["motherID"][has_mother]) - set(last_min.index))
    if unknown:
        raise ValueError(f"{path}: mother {unknown[0]} has no rows, expected a track of every mother")
    mother_ends_min = rows["motherID"].map(last_min).where(has_mother, -np.inf)
    kept = rows[rows["tmin"] > mother_ends_min]
    cells = pd.DataFrame(
        {
            "frame": (kept["tmin"] // INTERVAL_MIN).astype(np.int32),
            "time_h": kept["tmin"] / MIN_PER_H,
            "y_um": kept["ypixel"].astype(np.float64),
            "x_um": kept["xpixel"].astype(np.float64),
            "cell_id": kept["TID"].astype(np.int64),
            "parent_id": kept["motherID"].where(kept["motherID"] > 0, -1).astype(np.int64),
        }
    )
    return cells.assign(**SAME_FOR_ALL).sort_values(["frame", "cell_id"], ignore_index=True)


def without_identity(truth: pd.DataFrame) -> pd.DataFrame:
    """Return what a tracker sees of true cells."""
    return truth.drop(columns=["cell_id", "parent_id"]).assign(model="manual")
