"""Random places for the cells of one frame, with little overlap."""

from __future__ import annotations

import numpy as np

BORDER_UM = 20.0
"""Centres may lie this far outside the field, so that cells are cut by its border."""
MIN_DISTANCE_UM = 13.0
_GRID_UM = 2.0
_TRIES = 30


def place_cells(
    rng: np.random.Generator, length_um: np.ndarray, width_um: np.ndarray, field_yx_um: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Put the largest cells first, each where it overlaps least among a few random places.

    Cells count as ellipses on a 2 um grid; centres keep 13 um from each other where there is room.

    Args:
        rng: source of everything random.
        length_um: (cell,) major axes.
        width_um: (cell,) minor axes.
        field_yx_um: height and width of the field.

    Returns:
        Centres (cell, yx) [um] and angles [rad] from x towards y.
    """
    field = np.array(field_yx_um)
    reach = int(np.ceil(length_um.max() / 2 / _GRID_UM)) + 1
    pad_um = BORDER_UM + (reach + 1) * _GRID_UM
    taken = np.zeros(((field + 2 * pad_um) / _GRID_UM).astype(int) + 2, bool)
    offset = np.arange(-reach, reach + 1) * _GRID_UM
    centre, angle_rad = np.zeros((length_um.size, 2)), np.zeros(length_um.size)
    placed: list[int] = []
    for row in np.argsort(-length_um * width_um, kind="stable"):
        least = np.inf
        for _ in range(_TRIES):
            place, turn = rng.uniform(-BORDER_UM, field + BORDER_UM), rng.uniform(0, np.pi)
            near_um = np.hypot(*(centre[placed] - place).T).min() if placed else np.inf
            along = np.cos(turn) * offset[None, :] + np.sin(turn) * offset[:, None]
            across = np.cos(turn) * offset[:, None] - np.sin(turn) * offset[None, :]
            inside = (2 * along / length_um[row]) ** 2 + (2 * across / width_um[row]) ** 2 < 1
            first = np.rint((place + pad_um) / _GRID_UM).astype(int) - reach
            window = tuple(slice(start, start + offset.size) for start in first)
            overlap = (taken[window] & inside).sum() + 1e3 * max(0.0, MIN_DISTANCE_UM - near_um)
            if overlap < least:
                least, chosen = overlap, (window, inside)
                centre[row], angle_rad[row] = place, turn
            if overlap == 0:
                break
        taken[chosen[0]] |= chosen[1]
        placed.append(int(row))
    return centre, angle_rad
