"""The layers of an acquisition, built into napari's model of a viewer: it needs no window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lensfree.contracts import CELLS, TRACKS
from lensfree.io.stacks import open_opd
from lensfree.io.tables import read_table, read_tables
from lensfree.report.stacks import Frames
from lensfree.view.anomalies import list_anomalies, no_marks
from lensfree.view.cell_layers import add_anomalies, add_circles, add_events, add_tracks
from lensfree.view.cells import marks_of
from lensfree.view.picture_layers import add_holograms, add_opd, add_outlines
from lensfree.view.present import Present


@dataclass(frozen=True)
class Shown:
    """What the window needs beside the layers.

    Attributes:
        anomalies: the rows of the table, as `list_anomalies` returns them; None before scoring.
        time_h: of each frame, NaN where no chunk has it yet.
        is_missing: whether a frame has no picture.
    """

    anomalies: pd.DataFrame | None
    time_h: np.ndarray
    is_missing: np.ndarray


def build_layers(viewer: Any, present: Present) -> Shown:
    """Add the layers of an acquisition to a viewer; of the pixels one frame is read.

    From below: hologram (hidden), OPD, absorption (hidden), outlines, circles, tracks, divisions, cells
    found as one, anomalies. What no stage has made yet has no layer.

    Args:
        viewer: `napari.Viewer` or `napari.components.ViewerModel`.
        present: the files.

    Raises:
        ContractError: if a file is not what its contract says.
    """
    frames = Frames(present.opd)
    shown, pitch_um = _timeline(frames.per_frame), _pixel_pitch_um(present)
    if present.holograms:
        add_holograms(viewer, present.holograms, len(shown.time_h), pitch_um)
    add_opd(viewer, frames, shown.is_missing, pitch_um)
    viewer.dims.set_current_step(0, int(np.argmin(shown.is_missing)))
    anomalies = None
    if "tracks" in present.tables:
        tracks = read_table(present.tables["tracks"], TRACKS)
        marked = no_marks(tracks)
        if present.is_scored:
            anomalies, marked = list_anomalies(present.tables, tracks)
        first = marked.drop_duplicates("cell_id")
        of_cell = dict(zip(first["cell_id"].tolist(), first["mark"].tolist(), strict=True))
        cells = present.cells[0] if present.cells else None
        outlines = add_outlines(viewer, frames, shown.is_missing, tracks, of_cell, cells, pitch_um)
        add_circles(viewer, tracks, is_shown=not outlines.visible)
        add_tracks(viewer, tracks, marks_of(tracks, marked))
        add_events(viewer, tracks)
        add_anomalies(viewer, marked)
    elif present.cells:
        add_circles(viewer, read_tables(present.cells, CELLS), is_shown=True)
    return Shown(anomalies, shown.time_h, shown.is_missing)


def _timeline(per_frame: pd.DataFrame) -> Shown:
    """Return times and gaps of every frame up to the last; chunks may be missing in between."""
    time_h = np.full(int(per_frame["frame"].max()) + 1, np.nan)
    is_missing = np.ones(len(time_h), dtype=bool)
    time_h[per_frame["frame"]] = per_frame["time_h"]
    is_missing[per_frame["frame"]] = per_frame["is_missing"]
    return Shown(None, time_h, is_missing)


def _pixel_pitch_um(present: Present) -> float:
    with open_opd(present.opd[0]) as reader:
        return reader.pixel_pitch_um
