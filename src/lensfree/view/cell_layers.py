"""Layers of what was found: circles, tracks with lineage, divisions, shared cells and anomalies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from lensfree.report import style
from lensfree.view.anomalies import COLOURS, NORMAL, SYMBOLS
from lensfree.view.cells import circle_diameter_um, division_rows, points_of, track_rows
from lensfree.view.picture_layers import axes

MAX_TRACK_ROWS = 500_000
"""napari computes 2 s for a million rows of tracks: of longer tables lineages of marked cells are shown."""

_LABEL_UM = 18.0
"""How far above its cell a rank is written."""

TAIL_FRAMES = 18
"""How much of its past a track shows."""


def add_circles(viewer: Any, cells: pd.DataFrame, *, is_shown: bool) -> None:
    """Add a circle of the measured area for each cell of each frame."""
    named = [name for name in ("cell_id", "dry_mass_pg", "dry_mass_se_pg", "area_um2") if name in cells]
    viewer.add_points(
        points_of(cells),
        name="cells (circles of measured area)",
        size=circle_diameter_um(cells["area_um2"]),
        features=cells[named].reset_index(drop=True),
        face_color="transparent",
        border_color=COLOURS[NORMAL],
        border_width=0.06,
        visible=is_shown,
        **axes(),
    )


def add_tracks(viewer: Any, tracks: pd.DataFrame, marks: np.ndarray) -> None:
    """Add tracks with lineage, coloured by what a cell is marked as.

    Args:
        viewer: napari's.
        tracks: the tracks table.
        marks: of each of its rows.
    """
    from napari.utils import Colormap

    name = "tracks"
    tracks = tracks.assign(mark=marks)
    if len(tracks) > MAX_TRACK_ROWS:
        name = "tracks (lineages of marked cells)"
        marked = tracks.loc[tracks["mark"] != NORMAL, "lineage_id"].unique()
        tracks = tracks[tracks["lineage_id"].isin(marked)]
    if tracks.empty:
        return
    rows, data, graph = track_rows(tracks)
    rows["mark"] /= max(COLOURS)  # napari takes the values of a colour map of ours as they are, in [0, 1]
    colours = [COLOURS[mark] for mark in sorted(COLOURS)]
    viewer.add_tracks(
        data,
        name=name,
        graph=graph,
        features=rows[["mark", "dry_mass_pg", "lineage_id"]],
        color_by="mark",
        colormaps_dict={"mark": Colormap(_rgba(colours), name="marks")},
        tail_length=TAIL_FRAMES,
        blending="translucent",
        **axes(),
    )


def add_events(viewer: Any, tracks: pd.DataFrame) -> None:
    """Add daughters just after their division, and cells that were found as one."""
    _add_symbols(viewer, "divisions", division_rows(tracks), "triangle_up", style.MARK)
    _add_symbols(viewer, "found as one", tracks[tracks["is_shared"]], "diamond", style.BLUE)


def add_anomalies(viewer: Any, marked: pd.DataFrame) -> None:
    """Add the flagged histories from their onset on, with rank: rings, and squares if suspected errors."""
    if marked.empty:
        return
    mark = marked["mark"].to_numpy()
    viewer.add_points(
        points_of(marked),
        name="anomalies",
        size=1.5 * circle_diameter_um(marked["area_um2"]),
        symbol=np.array([SYMBOLS[value] for value in mark.tolist()]),
        features=marked[["rank", "cell_id", "dry_mass_pg"]].reset_index(drop=True),
        text={"string": "#{rank}", "color": "white", "size": 11, "translation": np.array([0, -_LABEL_UM, 0])},
        face_color="transparent",
        border_color=_rgba([COLOURS[value] for value in mark.tolist()]),
        border_width=0.06,
        **axes(),
    )


def _add_symbols(viewer: Any, name: str, rows: pd.DataFrame, symbol: str, colour: str) -> None:
    if rows.empty:
        return
    viewer.add_points(
        points_of(rows),
        name=name,
        size=5.0,
        symbol=symbol,
        features=rows[["cell_id", "parent_id"]].reset_index(drop=True),
        face_color=colour,
        border_color="black",
        **axes(),
    )


def _rgba(colours: list[str]) -> np.ndarray:
    """Return colours given as `#rrggbb` as rows of RGBA in [0, 1]."""
    return np.array([[*(int(c[k : k + 2], 16) / 255 for k in (1, 3, 5)), 1.0] for c in colours])
