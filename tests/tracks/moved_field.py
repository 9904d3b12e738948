"""A culture seen through a window that moves: what a jump or a drift of the stage does to detections.

Synthetic: `simulate_detections` on a field larger than the window; cells leave and enter where it moves.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from lensfree.config import SimulateConfig
from lensfree.simulate.detections import simulate_detections

MARGIN_UM = 90.0
WINDOW_UM = {100.0: (820.0, 1150.0), 500.0: (460.0, 620.0)}
"""Height and width of the window by density."""


def culture(cells_per_mm2: float, frames: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return detections and truth of a field that exceeds the window by the margin on each side."""
    height_um, width_um = (side + 2 * MARGIN_UM for side in WINDOW_UM[cells_per_mm2])
    detections, truth = simulate_detections(
        SimulateConfig(frames=frames, cells_per_mm2=cells_per_mm2),
        shape_um=(height_um, width_um),
        frame_interval_min=10.0,
        rng=np.random.default_rng(seed),
    )
    return detections.assign(model="simulated"), truth


def seen_through(
    table: pd.DataFrame, position_um: np.ndarray, window_um: tuple[float, float]
) -> pd.DataFrame:
    """Return the cells inside the window; `position_um` (frame, yx) says where the field lies in it."""
    moved_um = position_um[table["frame"].to_numpy()] - MARGIN_UM
    seen = table.assign(y_um=table["y_um"] + moved_um[:, 0], x_um=table["x_um"] + moved_um[:, 1])
    is_in = seen["y_um"].between(0, window_um[0]) & seen["x_um"].between(0, window_um[1])
    return seen[is_in].reset_index(drop=True)


def jump(frames: int, at: int, step_um: tuple[float, float]) -> np.ndarray:
    """Return positions (frame, yx) of a field that jumps once, between frames `at` - 1 and `at`."""
    return np.where(np.arange(frames)[:, None] >= at, np.array(step_um), 0.0)


def drift(frames: int, step_um: tuple[float, float]) -> np.ndarray:
    """Return positions (frame, yx) of a field that moves on by the same step in every frame."""
    return np.arange(frames)[:, None] * np.array(step_um)


def in_random_direction(length_um: float, seed: int) -> tuple[float, float]:
    """Return a vector (y, x) of this length."""
    angle = np.random.default_rng(seed).uniform(0, 2 * np.pi)
    return float(length_um * np.sin(angle)), float(length_um * np.cos(angle))
