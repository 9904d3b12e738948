"""What a TrackMate file declares about spots, edges and tracks, and how their values are written."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Feature:
    """A declared feature: TrackMate's key, its name for people, its dimension, and whether it is an integer.

    `dimension` is one of TrackMate's enum: it knows lengths, areas and times in the units of the model, but
    neither masses nor nm, which are NONE with the unit in the name.
    """

    key: str
    name: str
    dimension: str
    is_int: bool = False


# Keys of TrackMate's own features where they mean the same, otherwise the column's name: TrackMate
# would overwrite a feature AREA with what it measures itself.
SPOT = (
    Feature("QUALITY", "Quality", "QUALITY"),
    Feature("POSITION_X", "X", "POSITION"),
    Feature("POSITION_Y", "Y", "POSITION"),
    Feature("POSITION_Z", "Z", "POSITION"),
    Feature("POSITION_T", "T", "TIME"),
    Feature("FRAME", "Frame", "NONE", True),
    Feature("RADIUS", "Radius", "LENGTH"),
    Feature("VISIBILITY", "Visibility", "NONE", True),
    Feature("DRY_MASS_PG", "Dry mass (pg)", "NONE"),
    Feature("DRY_MASS_SE_PG", "Dry mass, standard error (pg)", "NONE"),
    Feature("AREA_UM2", "Projected area", "AREA"),
    Feature("MAX_OPD_NM", "Largest OPD (nm)", "NONE"),
    Feature("LENGTH_UM", "Length", "LENGTH"),
    Feature("TOUCHES_BORDER", "Touches border", "NONE", True),
    Feature("CELL_ID", "Cell", "NONE", True),
    Feature("PARENT_ID", "Mother", "NONE", True),
    Feature("LINEAGE_ID", "Lineage", "NONE", True),
)
EDGE = (
    Feature("SPOT_SOURCE_ID", "Source spot ID", "NONE", True),
    Feature("SPOT_TARGET_ID", "Target spot ID", "NONE", True),
    Feature("IS_DIVISION", "Mother to daughter", "NONE", True),
)
TRACK = (
    Feature("TRACK_INDEX", "Track index", "NONE", True),
    Feature("TRACK_ID", "Track ID", "NONE", True),
    Feature("NUMBER_SPOTS", "Number of spots in track", "NONE", True),
    Feature("NUMBER_SPLITS", "Number of split events", "NONE", True),
    Feature("TRACK_START", "Track start", "TIME"),
    Feature("TRACK_STOP", "Track stop", "TIME"),
    Feature("TRACK_DURATION", "Track duration", "TIME"),
    Feature("TRACK_LINEAGE_ID", "Lineage", "NONE", True),
)

_COPIED = ("dry_mass_pg", "dry_mass_se_pg", "area_um2", "max_opd_nm", "length_um")
_COPIED_IDS = ("touches_border", "cell_id", "parent_id", "lineage_id")
_QUALITY = 1.0
"""TrackMate's measure of how sure a detection is; it must be there, and we have none."""


def spot_values(cells: pd.DataFrame, fallback_radius_um: float) -> dict[str, np.ndarray]:
    """Return the values of the features `SPOT`, one per row.

    The radius is that of the circle with the cell's area, and the fallback where the area is not positive.
    """
    area_um2 = cells["area_um2"].to_numpy(dtype=np.float64)
    has_area = np.isfinite(area_um2) & (area_um2 > 0)
    values = {
        "QUALITY": np.full(len(cells), _QUALITY),
        "POSITION_X": cells["x_um"].to_numpy(dtype=np.float64),
        "POSITION_Y": cells["y_um"].to_numpy(dtype=np.float64),
        "POSITION_Z": np.zeros(len(cells)),
        "POSITION_T": cells["time_h"].to_numpy(dtype=np.float64),
        "FRAME": cells["frame"].to_numpy(),
        "RADIUS": np.sqrt(np.where(has_area, area_um2, np.pi * fallback_radius_um**2) / np.pi),
        "VISIBILITY": np.ones(len(cells), dtype=np.int64),
    }
    values |= {name.upper(): cells[name].to_numpy(dtype=np.float64) for name in _COPIED}
    values |= {name.upper(): cells[name].to_numpy(dtype=np.int64) for name in _COPIED_IDS}
    return values


def as_text(values: np.ndarray) -> list[str]:
    """Return numbers as Java reads them, floats with every bit."""
    if values.dtype.kind in "iu":
        return [str(value) for value in values.tolist()]
    text = [repr(value) for value in values.tolist()]
    for k in np.flatnonzero(~np.isfinite(values)):
        text[k] = "NaN" if np.isnan(values[k]) else "Infinity" if values[k] > 0 else "-Infinity"
    return text
