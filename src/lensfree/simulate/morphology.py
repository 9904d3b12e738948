"""How a cell of a given dry mass looks: area, thickness, length and direction through its life.

An adherent cell's area goes with its dry mass to the power 0.6, times a factor of its own and a slow
fluctuation; it fills three quarters of the box `area x maximum OPD`. Before division, after birth and
in death `roundness` leads it over to a small dense disc and back. Every quantity changes smoothly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lensfree.simulate.lives import Columns
from lensfree.simulate.outline import shortest_length_um
from lensfree.units import NM_PER_UM, SPECIFIC_REFRACTION_INCREMENT_UM3_PER_PG

TYPICAL_DRY_MASS_PG = 185.0
TYPICAL_AREA_UM2 = 575.0
AREA_EXPONENT = 0.6
ROUNDING_STARTS_H = 1.0
ROUNDING_TAKES_H = 0.3
ROUND_AFTER_BIRTH_H = 0.08
SPREADING_TAKES_H = 1.0
DYING_TAKES_H = 0.75
FILL_FLAT = 0.75
FILL_ROUND = 0.48
LEAST_STRETCH = 1.04
MOST_STRETCH = 2.6
AREA_WALK_SD = 0.14
PARTING_TAKES_H = 0.2


@dataclass
class Looks:
    """What each cell has of its own; arrays over all lives (row = cell_id).

    Attributes:
        own_area: log factor on the area, inherited in part.
        area_walk: slow fluctuation of log area, sd 1.
        stretch_walk: slow fluctuation of the elongation, sd 1.
        angle_rad: direction of the major axis.
        mitotic_max_nm: peak when rounded for division.
        newborn_max_nm: peak right after birth.
        dead_area_um2: area when dead.
        shape_seed: identity of the outline.
    """

    own_area: np.ndarray
    area_walk: np.ndarray
    stretch_walk: np.ndarray
    angle_rad: np.ndarray
    mitotic_max_nm: np.ndarray
    newborn_max_nm: np.ndarray
    dead_area_um2: np.ndarray
    shape_seed: np.ndarray


def draw_looks(rng: np.random.Generator, lives: Columns) -> Looks:
    """Draw what distinguishes cells; daughters resemble their mother in area."""
    parents = np.asarray(lives["parent_id"])
    n = len(parents)
    own = 0.16 * rng.standard_normal(n)
    for row, parent in enumerate(parents):
        if parent >= 0:
            own[row] = 0.6 * own[parent] + 0.8 * own[row]
    return Looks(
        own_area=own,
        area_walk=rng.standard_normal(n),
        stretch_walk=rng.standard_normal(n),
        angle_rad=rng.uniform(0, np.pi, n),
        mitotic_max_nm=rng.uniform(480, 820, n),
        newborn_max_nm=rng.uniform(360, 560, n),
        dead_area_um2=np.pi * rng.uniform(5.0, 7.5, n) ** 2,
        shape_seed=rng.integers(0, 2**31 - 8, n),
    )


def step_looks(
    rng: np.random.Generator, looks: Looks, alive: np.ndarray, velocity: np.ndarray, step_h: float
) -> None:
    """Move the looks of the living one step on, in place; cells turn slowly into their direction."""
    for walk, tau_h in ((looks.area_walk, 3.0), (looks.stretch_walk, 2.0)):
        keep = np.exp(-step_h / tau_h)
        walk[alive] = keep * walk[alive] + (1 - keep**2) ** 0.5 * rng.standard_normal(len(alive))
    heading = np.arctan2(velocity[:, 0], velocity[:, 1])
    speed = np.hypot(*velocity.T)
    turn = -0.5 * np.minimum(speed / 20.0, 2.0) * np.sin(2 * (looks.angle_rad[alive] - heading)) * step_h
    looks.angle_rad[alive] += turn + 0.2 * step_h**0.5 * rng.standard_normal(len(alive))


class Roundness(NamedTuple):
    """How round each life is, in [0, 1], for each reason and in all."""

    mitotic: np.ndarray
    newborn: np.ndarray
    dead: np.ndarray
    largest: np.ndarray


def roundness_at(lives: Columns, time_h: float) -> Roundness:
    """Return how round each life is at a time [h]."""
    fate = np.asarray(lives["fate"])
    to_end_h = np.where(fate == "division", np.asarray(lives["end_h"]), np.inf) - time_h
    mitotic = _smooth((ROUNDING_STARTS_H - np.minimum(to_end_h, 10.0)) / ROUNDING_TAKES_H)
    age_h = time_h - np.asarray(lives["birth_h"])
    newborn = np.where(
        np.asarray(lives["parent_id"]) >= 0, 1 - _smooth((age_h - 0.08) / SPREADING_TAKES_H), 0.0
    )
    onset_h = np.where(fate == "dead", np.asarray(lives["onset_h"]), np.inf)
    dead = _smooth((time_h - np.minimum(onset_h, time_h + 1.0)) / DYING_TAKES_H)
    return Roundness(mitotic, newborn, dead, np.maximum(np.maximum(mitotic, newborn), dead))


def describe(lives: Columns, looks: Looks, dry_mass_pg: np.ndarray, time_h: float) -> dict[str, np.ndarray]:
    """Return shape columns of the living: area, maximum OPD, length, angle, state and outline.

    Args:
        lives: columns of the living.
        looks: of all lives.
        dry_mass_pg: of the living.
        time_h: now.
    """
    rows = np.asarray(lives["cell_id"])
    volume = dry_mass_pg * SPECIFIC_REFRACTION_INCREMENT_UM3_PER_PG * NM_PER_UM
    phase = roundness_at(lives, time_h)
    roundness = phase.largest
    log_area = np.log(TYPICAL_AREA_UM2) + looks.own_area[rows] + AREA_WALK_SD * looks.area_walk[rows]
    log_area += AREA_EXPONENT * np.log(dry_mass_pg / TYPICAL_DRY_MASS_PG)
    peak_nm = np.where(phase.newborn > phase.mitotic, looks.newborn_max_nm[rows], looks.mitotic_max_nm[rows])
    round_area = np.where(phase.dead > 0, looks.dead_area_um2[rows], volume / (peak_nm * FILL_ROUND))
    area_um2 = np.exp((1 - roundness) * log_area + roundness * np.log(round_area))
    fill = (1 - roundness) * FILL_FLAT + roundness * FILL_ROUND
    stretch_flat = np.minimum(1.06 + 0.33 * np.exp(0.6 * looks.stretch_walk[rows]), MOST_STRETCH)
    stretch = LEAST_STRETCH + (1 - roundness) ** 1.5 * (stretch_flat - LEAST_STRETCH)
    to_end_h = np.where(np.asarray(lives["fate"]) == "division", np.asarray(lives["end_h"]), np.inf) - time_h
    stretch += 0.25 * _smooth(1 - np.minimum(to_end_h, 1.0) / PARTING_TAKES_H)
    return {
        "dry_mass_pg": dry_mass_pg,
        "area_um2": area_um2,
        "max_opd_nm": volume / (area_um2 * fill),
        "length_um": 2 * np.sqrt(area_um2 / np.pi) * stretch,
        "angle_rad": looks.angle_rad[rows],
        "roundness": roundness,
        "nuclei": np.where(time_h >= np.asarray(lives["fusion_h"]), 2, 1),
        "shape_seed": looks.shape_seed[rows],
        "shape_time_h": time_h - np.asarray(lives["birth_h"]),
        "state": np.where(phase.dead > 0.5, "dead", np.where(roundness > 0.5, "round", "flat")),
    }


def fit_lengths(shape: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the shape columns with lengths raised to what the outlines allow, and with `width_um`."""
    names = ("shape_seed", "shape_time_h", "roundness", "area_um2")
    shortest = np.array(
        [shortest_length_um(*row) for row in zip(*(shape[name] for name in names), strict=True)]
    )
    length_um = np.maximum(shape["length_um"], 1.005 * shortest)
    return {**shape, "length_um": length_um, "width_um": shortest**2 / length_um}


def _smooth(share: np.ndarray) -> np.ndarray:
    """Return the smooth step of a share of time, 0 before and 1 after."""
    s = np.clip(share, 0.0, 1.0)
    return s * s * (3 - 2 * s)
