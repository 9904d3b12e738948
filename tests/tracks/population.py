"""A synthetic population for tests of tracking: walks, growth, divisions, and an imperfect detector.

Synthetic throughout: Ornstein-Uhlenbeck walks, adder-like cycles, mass noise, missed, false and fused
detections. Units um, pg, h. It makes detections, not pictures, and knows the true cell of each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree


@dataclass(frozen=True)
class Population:
    """How the population lives and how well it is seen."""

    n_cells: int = 40
    frames: int = 144
    height_um: float = 700.0
    width_um: float = 1000.0
    interval_h: float = 1 / 6
    speed_um_per_h: float = 20.0
    speed_log_sd: float = 0.35
    persistence_h: float = 1.0
    cycle_h: float = 22.0
    cycle_cv: float = 0.1
    split_sd: float = 0.03
    repulsion_um: float = 15.0
    appear_um: float = 11.7
    separate_um: float = 3.3
    position_noise_um: float = 0.8
    mass_noise: float = 0.06
    mass_noise_pg: float = 12.0
    missed: float = 0.01
    false: float = 0.005
    fuse_um: float = 8.0
    death: float = 0.02


def grow_population(p: Population, rng: np.random.Generator) -> pd.DataFrame:
    """Return the truth: `frame, time_h, cell_id, parent_id, y_um, x_um, dry_mass_pg`."""
    n = p.n_cells
    size = np.array([p.height_um, p.width_um])
    position, velocity = rng.random((n, 2)) * size, np.zeros((n, 2))
    speed = p.speed_um_per_h * np.exp(p.speed_log_sd * rng.standard_normal(n)) / 2**0.5
    velocity = rng.standard_normal((n, 2)) * speed[:, None]
    birth_mass = 180 * np.exp(0.1 * rng.standard_normal(n))
    cycle = p.cycle_h * (1 + p.cycle_cv * rng.standard_normal(n))
    age = rng.random(n) * cycle
    dies_at = np.where(rng.random(n) < p.death, rng.random(n) * cycle, np.inf)
    ids, parents, next_id = np.arange(n), np.full(n, -1), n
    heading = np.zeros((n, 2))
    rows = []
    keep = np.exp(-p.interval_h / p.persistence_h)
    for frame in range(p.frames):
        divides, dies = age >= cycle, age >= dies_at
        if divides.any():
            m = int(divides.sum())
            mass = birth_mass[divides] * 2 ** (age[divides] / cycle[divides])
            share = 0.5 + p.split_sd * rng.standard_normal(m)
            angle = rng.random(m) * 2 * np.pi
            axis = np.stack([np.sin(angle), np.cos(angle)], axis=1)
            both = lambda values: np.repeat(values, 2, axis=0)  # noqa: E731
            sign = np.tile([1.0, -1.0], m)[:, None]
            child_cycle = p.cycle_h * (1 + p.cycle_cv * rng.standard_normal(2 * m))
            child_speed = p.speed_um_per_h * np.exp(p.speed_log_sd * rng.standard_normal(2 * m)) / 2**0.5
            stay = ~(divides | dies)
            put = lambda old, new, stay=stay: np.concatenate([old[stay], new])  # noqa: E731
            position = put(position, both(position[divides]) + sign * both(axis) * p.appear_um)
            heading = put(heading, sign * both(axis))
            velocity = put(velocity, rng.standard_normal((2 * m, 2)) * child_speed[:, None])
            speed = put(speed, child_speed)
            birth_mass = put(birth_mass, both(mass) * np.stack([share, 1 - share], axis=1).ravel())
            parents, ids = put(parents, both(ids[divides])), put(ids, next_id + np.arange(2 * m))
            next_id += 2 * m
            age, cycle = put(age, np.zeros(2 * m)), put(cycle, child_cycle)
            dies_at = put(
                dies_at, np.where(rng.random(2 * m) < p.death, rng.random(2 * m) * child_cycle, np.inf)
            )
        elif dies.any():
            position, heading, velocity, speed, birth_mass, parents, ids, age, cycle, dies_at = (
                a[~dies]
                for a in (position, heading, velocity, speed, birth_mass, parents, ids, age, cycle, dies_at)
            )
        mass = birth_mass * 2 ** (np.minimum(age, cycle) / cycle)
        rows.append(
            pd.DataFrame(
                {
                    "frame": frame,
                    "time_h": frame * p.interval_h,
                    "cell_id": ids,
                    "parent_id": parents,
                    "y_um": position[:, 0],
                    "x_um": position[:, 1],
                    "dry_mass_pg": mass,
                }
            )
        )
        noise = rng.standard_normal(velocity.shape) * speed[:, None]
        velocity = keep * velocity + (1 - keep**2) ** 0.5 * noise
        position = position + velocity * p.interval_h
        position += heading * p.separate_um * (age < 2.5 * p.interval_h)[:, None]
        pairs = cKDTree(position).query_pairs(p.repulsion_um, output_type="ndarray")
        if len(pairs):
            apart = position[pairs[:, 0]] - position[pairs[:, 1]]
            distance = np.maximum(np.linalg.norm(apart, axis=1, keepdims=True), 1e-6)
            push = 0.25 * (p.repulsion_um - distance) * apart / distance
            np.add.at(position, pairs[:, 0], push)
            np.add.at(position, pairs[:, 1], -push)
        outside = (position < 0) | (position > size)
        velocity[outside] *= -1
        position = np.where(position < 0, -position, np.where(position > size, 2 * size - position, position))
        age = age + p.interval_h
    return pd.concat(rows, ignore_index=True)


def detect(truth: pd.DataFrame, p: Population, rng: np.random.Generator) -> pd.DataFrame:
    """Return cells as a detector sees them, with `true_cell_id` (-1 for false detections), rows shuffled."""
    seen = truth[rng.random(len(truth)) >= p.missed]
    merged = []
    for frame, group in seen.groupby("frame"):
        position = group[["y_um", "x_um"]].to_numpy(copy=True)
        mass, true_id = group["dry_mass_pg"].to_numpy(copy=True), group["cell_id"].to_numpy()
        alive = np.ones(len(group), dtype=bool)
        for a, b in sorted(cKDTree(position).query_pairs(p.fuse_um)):
            if alive[a] and alive[b]:
                total = mass[a] + mass[b]
                position[a] = (mass[a] * position[a] + mass[b] * position[b]) / total
                mass[a], alive[b] = total, False
        false = rng.poisson(p.false * len(group))
        merged.append(
            pd.DataFrame(
                {
                    "frame": frame,
                    "true_cell_id": np.append(true_id[alive], np.full(false, -1)),
                    "y_um": np.append(position[alive, 0], rng.random(false) * p.height_um),
                    "x_um": np.append(position[alive, 1], rng.random(false) * p.width_um),
                    "dry_mass_pg": np.append(mass[alive], rng.uniform(50, 400, false)),
                }
            )
        )
    cells = pd.concat(merged, ignore_index=True)
    n = len(cells)
    cells["time_h"] = cells["frame"] * p.interval_h
    cells["y_um"] += p.position_noise_um * rng.standard_normal(n)
    cells["x_um"] += p.position_noise_um * rng.standard_normal(n)
    noise_pg = np.hypot(p.mass_noise * cells["dry_mass_pg"], p.mass_noise_pg)
    cells["dry_mass_pg"] = np.maximum(cells["dry_mass_pg"] + noise_pg * rng.standard_normal(n), 5.0)
    return cells.sample(frac=1, random_state=int(rng.integers(2**31))).reset_index(drop=True)
