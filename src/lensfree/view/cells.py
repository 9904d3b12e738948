"""Cells of an acquisition as napari wants them: circles, outlines, tracks with lineage, what happened."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from lensfree.cells.integral import cell_regions
from lensfree.config import QuantifyConfig
from lensfree.tracks.graph import NO_PARENT
from lensfree.view.anomalies import NORMAL

EVENT_H = 1.0
"""How long a division stays marked after it happened."""


def circle_diameter_um(area_um2: pd.Series) -> np.ndarray:
    """Return the diameter of the circle with a cell's measured area; 10 um where it has none."""
    area = area_um2.to_numpy(dtype=np.float64)
    has_area = np.isfinite(area) & (area > 0)
    return np.where(has_area, 2 * np.sqrt(np.where(has_area, area, 0) / np.pi), 10.0)


def points_of(table: pd.DataFrame) -> np.ndarray:
    """Return (frame, y, x) per row, frames as they are counted, places in um."""
    return table[["frame", "y_um", "x_um"]].to_numpy(dtype=np.float64)


def marks_of(tracks: pd.DataFrame, marked: pd.DataFrame) -> np.ndarray:
    """Return what each row of tracks is marked as.

    Args:
        tracks: `cell_id, frame`.
        marked: `cell_id, frame, mark`, each pair once.
    """
    if marked.empty:
        return np.full(len(tracks), NORMAL)
    keys = ["cell_id", "frame"]
    mark = tracks[keys].merge(marked[[*keys, "mark"]], how="left", on=keys)["mark"]
    return mark.fillna(NORMAL).to_numpy(dtype=np.int64)


def track_rows(tracks: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray, dict[int, list[int]]]:
    """Return rows by cell and time, `(cell_id, frame, y, x)` for each, and who is whose mother.

    Mothers that are not among the rows are left out.
    """
    rows = tracks.sort_values(["cell_id", "frame"], ignore_index=True)
    data = np.column_stack([rows["cell_id"].to_numpy(), points_of(rows)])
    born = rows.drop_duplicates("cell_id")
    born = born[(born["parent_id"] != NO_PARENT) & born["parent_id"].isin(born["cell_id"])]
    graph = {int(c): [int(m)] for c, m in zip(born["cell_id"], born["parent_id"], strict=True)}
    return rows, data, graph


def division_rows(tracks: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of daughters in the first `EVENT_H` after they are first seen."""
    daughters = tracks[tracks["parent_id"] != NO_PARENT]
    first_h = daughters.groupby("cell_id")["time_h"].transform("min")
    return daughters[daughters["time_h"] <= first_h + EVENT_H]


def outline_maker(
    cells: pd.DataFrame,
    read_opd: Callable[[int], np.ndarray | None],
    shape_yx: tuple[int, int],
    pixel_pitch_um: float,
    config: QuantifyConfig,
) -> Callable[[int], np.ndarray]:
    """Return the function that outlines the cells of a frame, as labels (y, x) of cell_id + 1.

    They are the regions whose OPD counts in dry mass: they grow from the measured centres, also where the
    reference pipeline measured from outlines of its own.

    Args:
        cells: the table of tracks.
        read_opd: frame -> OPD [nm], None if it is missing.
        shape_yx: pixels of the field.
        pixel_pitch_um: distance between pixel centres [um].
        config: settings that the cells were measured with.
    """
    of_frame = cells.groupby("frame").indices

    def outlines(frame: int) -> np.ndarray:
        opd_nm = read_opd(frame) if frame in of_frame else None
        if opd_nm is None:
            return np.zeros(shape_yx, np.int32)
        here = cells.iloc[of_frame[frame]]
        regions, _ = cell_regions(here, opd_nm, pixel_pitch_um, config)
        return np.append(0, here["cell_id"].to_numpy() + 1).astype(np.int32)[regions]

    return outlines
