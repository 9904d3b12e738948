"""Single fields out of a growing culture: sisters side by side, clusters, mitoses, cells gone wrong."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lensfree.config import SimulateConfig
from lensfree.simulate.world import simulate_world
from lensfree.units import MIN_PER_H

FRAME_MIN = 20.0


def culture_fields(
    rng: np.random.Generator,
    shape_yx: tuple[int, int],
    pixel_pitch_um: float,
    cells_per_mm2: float,
    n_fields: int,
    *,
    duration_h: float = 30.0,
) -> list[pd.DataFrame]:
    """Draw the cells of some moments of one culture that grows to a density.

    A field of cells placed at random lacks what makes a culture hard to measure: daughters stay together,
    and crowding is uneven.

    Args:
        rng: source of everything random.
        shape_yx: pixels of the field.
        pixel_pitch_um: pitch [um].
        cells_per_mm2: mean density at the end.
        n_fields: moments, evenly spread over the second half of the duration.
        duration_h: how long the culture grows.

    Returns:
        Truth rows per moment, as `random_field` gives them.
    """
    defaults = SimulateConfig()
    start_per_mm2 = max(cells_per_mm2 / 2 ** (duration_h / defaults.cycle_h), 1.0)
    frames = round(duration_h * MIN_PER_H / FRAME_MIN) + 1
    config = defaults.model_copy(update={"frames": frames, "cells_per_mm2": start_per_mm2})
    shape_um = (shape_yx[0] * pixel_pitch_um, shape_yx[1] * pixel_pitch_um)
    world = simulate_world(config, shape_um=shape_um, frame_interval_min=FRAME_MIN, rng=rng)
    moments = np.linspace(frames // 2, frames - 1, n_fields).round().astype(int)
    return [world[world["frame"] == moment].reset_index(drop=True) for moment in moments]
