"""Discs on a grid: their kernel, what their core holds, and where their centres are."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from lensfree.cells.representation import patches

_ITERATIONS = 6
_NEIGHBOURS = 6
_LEAST = 1e-6


def disc_kernel(radius_px: float) -> np.ndarray:
    """Return a disc centred on a pixel, its rim shared out so that the area is that of the disc."""
    reach = int(np.ceil(radius_px))
    y, x = np.ogrid[-reach : reach + 1, -reach : reach + 1]
    return np.clip(radius_px + 0.5 - np.hypot(y, x), 0.0, 1.0)


def area_inside(y: np.ndarray, x: np.ndarray, shape_yx: tuple[int, ...], disc: np.ndarray) -> np.ndarray:
    """Return the area in pixels of a disc at each pixel, as far as it lies inside the field."""
    steps = np.argwhere(disc) - disc.shape[0] // 2
    index_yx = np.stack([y, x], axis=1)[:, None, :] + steps
    return np.all((index_yx >= 0) & (index_yx < shape_yx), axis=-1) @ disc[disc > 0]


def core_median(
    plane: np.ndarray, centres_px: np.ndarray, core_px: float, is_free: np.ndarray | None = None
) -> np.ndarray:
    """Return the median (n,) over the pixels of each core, at least the nearest pixel of the field.

    Args:
        plane: map (y, x).
        centres_px: (n, 2) positions y, x in pixels.
        core_px: radius of a core.
        is_free: bool (y, x); other pixels do not count. A core without free pixels gives 0.
    """
    if not len(centres_px):
        return np.empty(0)
    index_yx, distance2 = patches(centres_px, core_px)
    is_inside = np.all((index_yx >= 0) & (index_yx < plane.shape), axis=-1)
    distance2 = np.where(is_inside, distance2, np.inf)
    is_core = (distance2 <= core_px**2) | (distance2 == distance2.min(axis=1, keepdims=True))
    clipped = np.clip(index_yx, 0, np.array(plane.shape) - 1)
    at = clipped[..., 0], clipped[..., 1]
    is_counted = is_core & is_inside if is_free is None else is_core & is_inside & is_free[at]
    values = np.sort(np.where(is_counted, plane[at], np.inf), axis=1)
    count = is_counted.sum(axis=1)
    row = np.arange(len(values))
    low, high = (values[row, place].astype(float) for place in (np.maximum(count - 1, 0) // 2, count // 2))
    return np.where(count > 0, (low + high) / 2, 0.0)


def refine_centres(
    presence: np.ndarray, centres_px: np.ndarray, radius_px: float, core_px: float
) -> np.ndarray:
    """Return centres moved to where a drawn disc has the centroid that is seen, under the same cut."""
    if not len(centres_px):
        return centres_px
    start_px = centres_px
    window_px = radius_px + 1.0
    for _ in range(_ITERATIONS):
        index_yx, distance2 = patches(centres_px, window_px)
        is_own = np.all((index_yx >= 0) & (index_yx < presence.shape), axis=-1) & (distance2 <= window_px**2)
        reach = min(_NEIGHBOURS, len(centres_px))
        _, near = cKDTree(centres_px).query(centres_px, k=list(range(1, reach + 1)))
        for column in range(1, reach):
            other_px = centres_px[near[:, column]]
            is_own &= distance2 <= np.sum((index_yx - other_px[:, None, :]) ** 2, axis=-1)
        clipped = np.clip(index_yx, 0, np.array(presence.shape) - 1)
        level = np.maximum(core_median(presence, centres_px, core_px), _LEAST)[:, None]
        seen = np.clip(presence[clipped[..., 0], clipped[..., 1]] / level, 0.0, 1.0) * is_own
        drawn = (is_own & (distance2 <= radius_px**2)).astype(float)
        move = _centroid(seen, index_yx) - _centroid(drawn, index_yx)
        centres_px = centres_px + np.where(np.isfinite(move), move, 0.0)
        centres_px = np.clip(centres_px, start_px - radius_px, start_px + radius_px)
        if np.nanmax(np.abs(move), initial=0.0) < 1e-3:
            break
    return centres_px


def _centroid(weight: np.ndarray, index_yx: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.sum(weight[..., None] * index_yx, axis=1) / weight.sum(axis=1)[:, None]
