"""A time-lapse with known truth: every cell of every frame, ready to be rendered."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lensfree.config import SimulateConfig
from lensfree.simulate.lives import Culture, Lives, dry_mass_at, grow_lineages
from lensfree.simulate.morphology import describe, draw_looks, fit_lengths
from lensfree.simulate.motion import Walls
from lensfree.simulate.walk import walk
from lensfree.units import MIN_PER_H

BORDER_UM = 140.0
"""The world goes on this far outside the sensor: cells leave, enter and diffract from there."""


def simulate_world(
    config: SimulateConfig,
    *,
    shape_um: tuple[float, float],
    frame_interval_min: float,
    rng: np.random.Generator,
    border_um: float = BORDER_UM,
) -> pd.DataFrame:
    """Simulate a culture that moves, grows, divides and goes wrong.

    Args:
        config: frames, density, cell cycle, speed and share of abnormal cells.
        shape_um: height and width of the sensor's field [um].
        frame_interval_min: time between frames.
        rng: source of everything random.
        border_um: how far the world reaches beyond the field; its walls reflect.

    Returns:
        A row per frame and cell, sorted by both: `frame, time_h, cell_id, parent_id` (-1 for founders),
        `lineage_id, y_um, x_um, dry_mass_pg, area_um2, max_opd_nm, length_um, width_um, angle_rad, state`
        (flat, round or dead), `roundness, nuclei, shape_seed, shape_time_h` for rendering, `anomaly`
        (kind that befalls the cell in its life, or "") and `is_abnormal` (from its onset on).
        Positions count from the sensor's pixel (0, 0); cells outside the field have rows too.
    """
    step_h = frame_interval_min / MIN_PER_H
    walls = Walls(shape_um, border_um)
    lives = grow_lineages(
        rng,
        Culture.of(config),
        n_founders=max(1, round(config.cells_per_mm2 * walls.area_mm2)),
        duration_h=(config.frames - 1) * step_h,
    )
    looks = draw_looks(rng, lives)

    def footprint(now: Lives, time_h: float) -> tuple[np.ndarray, np.ndarray]:
        shape = describe(now, looks, dry_mass_at(now, time_h), time_h)
        return shape["length_um"], 4 / np.pi * shape["area_um2"] / shape["length_um"]

    columns: dict[str, list[np.ndarray]] = {}
    steps = walk(
        lives,
        looks,
        frames=config.frames,
        step_h=step_h,
        speed_um_per_h=config.speed_um_per_h,
        walls=walls,
        rng=rng,
        footprint=footprint,
    )
    for frame, now, position in steps:
        time_h = frame * step_h
        count = len(position)
        shape = fit_lengths(describe(now, looks, dry_mass_at(now, time_h), time_h))
        rows = {
            "frame": np.full(count, frame, np.int32),
            "time_h": np.full(count, time_h),
            **{name: now[name] for name in ("cell_id", "parent_id", "lineage_id")},
            "y_um": position[:, 0],
            "x_um": position[:, 1],
            **shape,
            "anomaly": now["kind"],
            "is_abnormal": now["onset_h"] <= time_h,
        }
        for name, values in rows.items():
            columns.setdefault(name, []).append(values)
    return pd.DataFrame({name: np.concatenate(values) for name, values in columns.items()})
