"""Dense sets for trackers: a sensor full of cells for three days, at three densities and two noises.

Synthetic. The sets are as dense as long lens-free recordings become: in the densest, one cell in twenty
has a neighbour nearer than 11 um in the last frame, and a cell goes 3 um from frame to frame.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from lensfree.config import SimulateConfig
from lensfree.simulate.detections import DetectionNoise, simulate_detections
from lensfree.simulate.lives import Culture
from lensfree.simulate.motion import SPEED_LOG_SD
from lensfree.simulate.walk import Motility

PIXEL_UM = 1.67
SPEED_UM_PER_H = 20.0 * float(np.exp(SPEED_LOG_SD**2))
"""Rms over all cells, for a median cell of 20 um/h."""

SENSOR_PX = (2748, 3840)
FRAMES = 432
INTERVAL_MIN = 10.0

FOUNDERS = {"1k": 123, "3k": 373, "10k": 1236}
"""Cells in the first frame; the names say about how many there are in the last."""

NOISES = {
    "": DetectionNoise(fusion_um=5 * PIXEL_UM, position_um=0.5 * PIXEL_UM),
    "_35pg": DetectionNoise(
        fusion_um=5 * PIXEL_UM, position_um=0.5 * PIXEL_UM, dry_mass_relative=0.05, dry_mass_pg=33.0
    ),
}
"""By the end of a set's name: dry mass with a noise of 19 pg, or of 35 pg, for a cell of 250 pg."""

SETS = tuple(f"{size}{noise}" for noise in NOISES for size in FOUNDERS)

CULTURE = Culture(
    cycle_h=22.0,
    cycle_cv=0.1,
    birth_dry_mass_pg=180.0,
    linear_fraction=0.0,
    asymmetry_sd=0.03,
    abnormal_fraction=0.02,
    abnormal_shares={"death": 1.0},
)

MOTILITY = Motility(
    sister_reach_um=7 * PIXEL_UM,
    parting_um=2 * PIXEL_UM,
    parting_frames=3,
    rounded_slowdown=0.0,
    push=0.35,
    pushes_per_frame=1,
    is_turned_by_pushes=False,
)


def simulate_dense(
    name: str, seed: int, *, frames: int = FRAMES, sensor_px: tuple[int, int] = SENSOR_PX
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Simulate one of the sets.

    Args:
        name: one of `SETS`.
        seed: sets of one size and seed are the same culture, whatever the noise.
        frames: length; shorter for tests.
        sensor_px: rows and columns; fewer, with as many cells per area, for tests.

    Returns:
        Detections and truth of `simulate_detections`.

    Raises:
        ValueError: if there is no such set.
    """
    if name not in SETS:
        raise ValueError(f"got set {name!r}, expected one of {list(SETS)}")
    size, _, noise = name.partition("_")
    full_mm2 = float(np.prod(SENSOR_PX)) * (PIXEL_UM / 1000) ** 2
    config = SimulateConfig(
        frames=frames, cells_per_mm2=FOUNDERS[size] / full_mm2, speed_um_per_h=SPEED_UM_PER_H
    )
    return simulate_detections(
        config,
        shape_um=(sensor_px[0] * PIXEL_UM, sensor_px[1] * PIXEL_UM),
        frame_interval_min=INTERVAL_MIN,
        rng=np.random.default_rng([seed, FOUNDERS[size]]),
        noise=NOISES[f"_{noise}" if noise else ""],
        culture=CULTURE,
        motility=MOTILITY,
        border_um=0.0,
    )
