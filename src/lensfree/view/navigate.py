"""Going to a cell, and saying when and what is shown; both need no window."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from lensfree.view.present import Present

NEAR_ZOOM = 4.0
"""Screen pixels per um when a cell is looked at: a window of 1000 pixels is 250 um wide."""


def go_to(viewer: Any, row: pd.Series) -> bool:
    """Show the frame of a row of the anomaly table, its cell in the middle; nearer if it was far off.

    Args:
        viewer: napari's.
        row: `frame, y_um, x_um`.

    Returns:
        Whether the row has a place: a history whose cells are not in the tracks has none.
    """
    if pd.isna(row["frame"]):
        return False
    viewer.dims.set_current_step(0, int(row["frame"]))
    camera = viewer.scene.camera
    camera.center = (0.0, float(row["y_um"]), float(row["x_um"]))
    camera.zoom = max(NEAR_ZOOM, float(camera.zoom))
    return True


def say_when(viewer: Any, present: Present, time_h: np.ndarray, is_missing: np.ndarray) -> None:
    """Write acquisition, frame and hour into the picture, now and whenever the frame changes.

    Args:
        viewer: napari's.
        present: the files.
        time_h: of each frame.
        is_missing: whether a frame has no picture.
    """
    simulated = " (simulated: synthetic data)" if present.is_simulated else ""
    viewer.title = f"{present.acquisition}{simulated}"

    text = viewer.canvas.overlays.text

    def write(event: Any = None) -> None:
        text.text = when(int(viewer.dims.current_step[0]), time_h, is_missing) + simulated

    text.position = "top_left"
    text.font_size = 12
    text.color = "white"
    text.visible = True
    viewer.canvas.overlays.scale_bar.visible = True
    viewer.dims.events.current_step.connect(write)
    write()


def when(frame: int, time_h: np.ndarray, is_missing: np.ndarray) -> str:
    """Return a frame and its time in words."""
    if not 0 <= frame < len(time_h):
        return ""
    time = "not computed yet" if np.isnan(time_h[frame]) else f"{time_h[frame]:.1f} h"
    is_gap = is_missing[frame] and not np.isnan(time_h[frame])
    return f"frame {frame} of {len(time_h)}, {time}{', no picture' if is_gap else ''}"
