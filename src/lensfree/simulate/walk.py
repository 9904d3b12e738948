"""A culture walks: from the lives of all cells to the positions of the living, frame by frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lensfree.simulate.lives import Lives
from lensfree.simulate.morphology import Looks, roundness_at, step_looks
from lensfree.simulate.motion import (
    NO_PARTNER,
    Walls,
    draw_speeds,
    draw_together,
    push_apart,
    push_elongated,
    step_velocity,
)

Footprint = Callable[[Lives, float], tuple[np.ndarray, np.ndarray]]
"""From the living and the time to their length and width [um]."""

_FOUNDER_RADIUS_UM = 14.0


@dataclass(frozen=True)
class Motility:
    """How cells of a culture behave in their walk.

    Attributes:
        sister_reach_um: how far from the place of their mother two newborn sisters appear.
        parting_um: by how much each then goes on away from her sister in each of `parting_frames`.
        parting_frames: frames in which newborn sisters part.
        rounded_slowdown: share of its speed that a rounded cell loses, 0 to 1.
        push: share of the room they lack that cells which overlap make at a push.
        pushes_per_frame: pushes in a frame.
        is_turned_by_pushes: whether a push turns a cell; False, for round cells, is many times faster.
    """

    sister_reach_um: float = 6.2
    parting_um: float = 0.0
    parting_frames: int = 0
    rounded_slowdown: float = 0.85
    push: float = 0.5
    pushes_per_frame: int = 2
    is_turned_by_pushes: bool = True


def living(lives: Lives, rows: np.ndarray) -> Lives:
    """Return the columns of some lives."""
    return {name: column[rows] for name, column in lives.items()}


def walk(
    lives: Lives,
    looks: Looks,
    *,
    frames: int,
    step_h: float,
    speed_um_per_h: float,
    walls: Walls,
    rng: np.random.Generator,
    footprint: Footprint,
    motility: Motility | None = None,
) -> Iterator[tuple[int, Lives, np.ndarray]]:
    """Walk all cells through an acquisition.

    Args:
        lives: columns of all lives; row = cell_id.
        looks: of all lives; angles and slow walks are moved on in place.
        frames: length of the acquisition.
        step_h: time between frames [h].
        speed_um_per_h: rms speed of the culture.
        walls: where the world ends.
        rng: source of everything random.
        footprint: how much room cells take.
        motility: how they behave; default: as `Motility` says.

    Yields:
        Frame, columns of the living, their positions (cell, yx) [um]. Rounded cells are slow, dead ones
        hardly move; a newborn appears beside its sister on the axis of the mother.
    """
    birth_h, end_h, parent = lives["birth_h"], lives["end_h"], lives["parent_id"]
    motility = motility or Motility()
    n = len(birth_h)
    n_sisters = np.bincount(parent[parent >= 0], minlength=n)
    speed = draw_speeds(rng, n, speed_um_per_h)
    velocity = speed[:, None] / 2**0.5 * rng.standard_normal((n, 2))
    position = np.zeros((n, 2))
    founders = np.flatnonzero(parent < 0)
    position[founders] = settle(rng, len(founders), walls)
    is_placed = parent < 0
    heading, placed_in = np.zeros((n, 2)), np.full(n, -motility.parting_frames)
    for frame in range(frames):
        time_h = frame * step_h
        for cell in np.flatnonzero((birth_h <= time_h) & ~is_placed):
            mother = parent[cell]
            turn = looks.angle_rad[mother] + 2 * np.pi * lives["sister_rank"][cell] / n_sisters[mother]
            reach_um = motility.sister_reach_um * (1.0 if n_sisters[mother] == 2 else 1.15)
            heading[cell], placed_in[cell] = (np.sin(turn), np.cos(turn)), frame
            position[cell] = walls.reflect(position[mother] + reach_um * heading[cell])
            looks.angle_rad[cell] = looks.angle_rad[mother] + np.pi / 2
            is_placed[cell] = True
        rows = np.flatnonzero(is_placed & (end_h > time_h))
        now = living(lives, rows)
        yield frame, now, position[rows]
        roundness = roundness_at(now, time_h)
        pace = (1 - motility.rounded_slowdown * roundness.largest) * (1 - 0.9 * roundness.dead)
        velocity[rows] = step_velocity(rng, velocity[rows], speed[rows], step_h)
        step_looks(rng, looks, rows, velocity[rows], step_h)
        moved = position[rows] + velocity[rows] * pace[:, None] * step_h
        if motility.parting_frames:
            is_parting = frame - placed_in[rows] < motility.parting_frames
            moved += motility.parting_um * is_parting[:, None] * heading[rows]
        partner = _partner_rows(now, rows, n)
        length_um, width_um = footprint(now, time_h)
        for _ in range(motility.pushes_per_frame):
            if not motility.is_turned_by_pushes:
                moved = moved + push_apart(moved, 0.5 * width_um, strength=motility.push, partner=partner)
                continue
            moved, looks.angle_rad[rows] = push_elongated(
                moved, looks.angle_rad[rows], length_um, width_um, strength=motility.push, partner=partner
            )
        to_fusion_h = now["onset_h"] - time_h
        share = np.where(to_fusion_h > 0, np.minimum(1.0, step_h / np.maximum(to_fusion_h, step_h)), 0.0)
        position[rows] = walls.reflect(draw_together(moved, partner, share))


def settle(rng: np.random.Generator, count: int, walls: Walls) -> np.ndarray:
    """Return random positions (cell, yx) [um] of founders that have made room for each other."""
    position = walls.draw(rng, count)
    radius_um = np.full(count, _FOUNDER_RADIUS_UM)
    for _ in range(40):
        position = walls.reflect(position + push_apart(position, radius_um, strength=0.8))
    return position


def _partner_rows(now: dict[str, Any], rows: np.ndarray, n: int) -> np.ndarray:
    """Return for each of the living the row of the sister it will fuse with, or -1."""
    row_of = np.full(n + 1, NO_PARTNER)
    row_of[rows] = np.arange(len(rows))
    return np.where(now["partner_id"] >= 0, row_of[now["partner_id"]], NO_PARTNER)
