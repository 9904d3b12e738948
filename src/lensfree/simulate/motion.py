"""Where cells go: persistent random walks that push each other apart, between reflecting walls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

PERSISTENCE_H = 1.0
SPEED_LOG_SD = 0.35
NO_PARTNER = -1
_DISCS = np.array([-1.0, 0.0, 1.0])


@dataclass(frozen=True)
class Walls:
    """The rectangle in which cells live: the field and a border around it, counted from pixel (0, 0).

    Attributes:
        shape_um: height and width of the field [um].
        border_um: how far the walls stand outside it [um].
    """

    shape_um: tuple[float, float]
    border_um: float

    @property
    def area_mm2(self) -> float:
        """Area between the walls [mm2]."""
        return float(np.prod(np.array(self.shape_um) + 2 * self.border_um)) / 1e6

    def draw(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Return positions (cell, yx) [um] drawn evenly between the walls."""
        return rng.uniform(-self.border_um, np.array(self.shape_um) + self.border_um, (count, 2))

    def reflect(self, position: np.ndarray) -> np.ndarray:
        """Return positions (cell, yx) [um] folded back between the walls."""
        span = np.array(self.shape_um) + 2 * self.border_um
        folded = np.mod(position + self.border_um, 2 * span)
        return np.where(folded > span, 2 * span - folded, folded) - self.border_um


def draw_speeds(rng: np.random.Generator, count: int, speed_um_per_h: float) -> np.ndarray:
    """Return each cell's own rms speed [um/h]; log-normal, with the wanted mean square overall."""
    return speed_um_per_h * np.exp(SPEED_LOG_SD * rng.standard_normal(count) - SPEED_LOG_SD**2)


def step_velocity(
    rng: np.random.Generator, velocity: np.ndarray, speed_um_per_h: np.ndarray, step_h: float
) -> np.ndarray:
    """Return velocities (cell, yx) [um/h] one step later: exact Ornstein-Uhlenbeck, persistence 1 h."""
    keep = np.exp(-step_h / PERSISTENCE_H)
    kick = speed_um_per_h[:, None] / 2**0.5 * (1 - keep**2) ** 0.5
    return keep * velocity + kick * rng.standard_normal(velocity.shape)


def push_apart(
    position: np.ndarray,
    radius_um: np.ndarray,
    *,
    strength: float,
    partner: np.ndarray | None = None,
    owner: np.ndarray | None = None,
) -> np.ndarray:
    """Return the displacement (disc, yx) [um] by which discs that overlap make room for each other.

    Args:
        position: (disc, yx) [um].
        radius_um: (disc,) two discs want to be the sum of their radii apart.
        strength: share of the lacking distance that is made up at once.
        partner: (cell,) the cell that a cell does not push, -1 for none.
        owner: (disc,) cell that a disc belongs to; default: one disc per cell.
    """
    moved = np.zeros_like(position)
    if len(position) < 2:
        return moved
    owner = np.arange(len(position)) if owner is None else owner
    pairs = cKDTree(position).query_pairs(2 * float(radius_um.max()), output_type="ndarray")
    own = owner[pairs]
    is_pushing = own[:, 0] != own[:, 1]
    if partner is not None:
        is_pushing &= partner[own[:, 0]] != own[:, 1]
    pairs = pairs[is_pushing]
    between = position[pairs[:, 1]] - position[pairs[:, 0]]
    distance = np.maximum(np.hypot(between[:, 0], between[:, 1]), 1e-6)
    lacking = radius_um[pairs].sum(axis=1) - distance
    # Of all discs of two cells only the two that overlap most push, or near cells would be thrown apart.
    own = np.sort(owner[pairs], axis=1)
    order = np.lexsort((-lacking, own[:, 1], own[:, 0]))
    is_first = np.ones(len(order), bool)
    is_first[1:] = (np.diff(own[order], axis=0) != 0).any(axis=1)
    chosen = order[is_first]
    chosen = chosen[lacking[chosen] > 0]
    pairs, between, distance, lacking = pairs[chosen], between[chosen], distance[chosen], lacking[chosen]
    push = 0.5 * strength * (lacking / distance)[:, None] * between
    np.add.at(moved, pairs[:, 0], -push)
    np.add.at(moved, pairs[:, 1], push)
    return moved


def push_elongated(
    position: np.ndarray,
    angle_rad: np.ndarray,
    length_um: np.ndarray,
    width_um: np.ndarray,
    *,
    strength: float,
    partner: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return positions (cell, yx) [um] and angles after elongated cells have pushed and turned each other.

    Each cell is three discs in a row as wide as the cell; a push off centre also turns it.
    """
    n = len(position)
    axis = np.stack([np.sin(angle_rad), np.cos(angle_rad)], axis=1)
    arm_um = 0.5 * (length_um - width_um)
    discs = position[:, None] + _DISCS[None, :, None] * (arm_um[:, None] * axis)[:, None]
    moved = push_apart(
        discs.reshape(-1, 2),
        np.repeat(0.5 * width_um, 3),
        strength=strength,
        partner=partner,
        owner=np.repeat(np.arange(n), 3),
    ).reshape(n, 3, 2)
    across = np.stack([axis[:, 1], -axis[:, 0]], axis=1)
    leverage = ((moved[:, 2] - moved[:, 0]) * across).sum(axis=1)
    turn = np.clip(leverage / np.maximum(length_um, 1.0), -0.2, 0.2)
    return position + moved.sum(axis=1), angle_rad + turn


def draw_together(position: np.ndarray, partner: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Return positions (cell, yx) [um] with partners moved towards each other.

    Args:
        position: (cell, yx) [um].
        partner: (cell,) row of the partner, -1 for none.
        share: (cell,) share of the way to the middle that a cell goes now.
    """
    has = partner != NO_PARTNER
    moved = position.copy()
    moved[has] += 0.5 * share[has, None] * (position[partner[has]] - position[has])
    return moved
