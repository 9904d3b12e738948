"""Discs on a grid: their kernel, what their core holds, and where their centres are.

Library and device follow the map; positions alone are searched on the host.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from lensfree.arrays import array_namespace, to_numpy
from lensfree.cells.representation import is_on_grid, patches

_ITERATIONS = 6
_NEIGHBOURS = 6
_LEAST = 1e-6
_STILL_PX = 1e-3


def disc_kernel(radius_px: float) -> np.ndarray:
    """Return a disc centred on a pixel, its rim shared out so that the area is that of the disc."""
    reach = int(np.ceil(radius_px))
    y, x = np.ogrid[-reach : reach + 1, -reach : reach + 1]
    return np.clip(radius_px + 0.5 - np.hypot(y, x), 0.0, 1.0)


def area_inside(rows: Any, columns: Any, shape_yx: tuple[int, ...], disc: np.ndarray) -> Any:
    """Return the area in pixels of a disc at each pixel, as far as it lies inside the field."""
    xp = array_namespace(rows)
    reach = len(disc) // 2
    # A field just large enough to hold the disc has a pixel as near to each border as any other field.
    small_yx = [min(n, len(disc)) for n in shape_yx]
    area = xp.asarray(ndimage.correlate(np.ones(small_yx), disc, mode="constant"))
    there = [
        xp.where(index < reach, index, small - 1 - xp.minimum(n - 1 - index, reach))
        for index, n, small in zip((rows, columns), shape_yx, small_yx, strict=True)
    ]
    return area[there[0], there[1]]


def core_medians(planes: Sequence[Any], centres_px: Any, core_px: float, is_free: Any = None) -> Any:
    """Return the medians (n, plane) over the pixels of each core, at least the nearest pixel of the field.

    Args:
        planes: maps (y, x).
        centres_px: (n, 2) positions y, x in pixels.
        core_px: radius of a core.
        is_free: bool (y, x); other pixels do not count. A core without free pixels gives 0.
    """
    xp = array_namespace(centres_px)
    if not len(centres_px):
        return xp.zeros((0, len(planes)))
    rows, columns, distance2 = patches(centres_px, core_px)
    is_inside = is_on_grid(rows, columns, planes[0].shape)
    distance2 = xp.where(is_inside, distance2, xp.inf)
    nearest2 = distance2.min(axis=1, keepdims=True)
    at = _held(rows, columns, planes[0].shape)
    is_counted = is_inside & ((distance2 <= core_px**2) | (distance2 == nearest2))
    if is_free is not None:
        is_counted = is_counted & is_free[at]
    count = is_counted.sum(axis=1)
    row = xp.arange(len(count))
    medians = []
    for plane in planes:
        values = xp.sort(xp.where(is_counted, plane[at], xp.inf), axis=1)
        low = values[row, xp.maximum(count - 1, 0) // 2].astype(xp.float64)
        high = values[row, count // 2].astype(xp.float64)
        medians.append(xp.where(count > 0, (low + high) / 2, 0.0))
    return xp.stack(medians, axis=1)


def refine_centres(presence: Any, centres_px: np.ndarray, radius_px: float, core_px: float) -> np.ndarray:
    """Return centres moved to where a drawn disc has the centroid that is seen, under the same cut."""
    if not len(centres_px):
        return centres_px
    xp = array_namespace(presence)
    start_px = xp.asarray(centres_px)
    # Once is enough: on their way of a pixel or less centres do not change their neighbours.
    others = xp.asarray(_nearest_others(centres_px))
    at_px = start_px
    window_px = radius_px + 1.0
    for _ in range(_ITERATIONS):
        rows, columns, distance2 = patches(at_px, window_px)
        is_own = is_on_grid(rows, columns, presence.shape) & (distance2 <= window_px**2)
        for other in others:
            other_px = at_px[other]
            to_other2 = (rows - other_px[:, :1]) ** 2 + (columns - other_px[:, 1:]) ** 2
            is_own = is_own & (distance2 <= to_other2)
        level = xp.maximum(core_medians([presence], at_px, core_px), _LEAST)
        seen = xp.clip(presence[_held(rows, columns, presence.shape)] / level, 0.0, 1.0) * is_own
        drawn = (is_own & (distance2 <= radius_px**2)).astype(xp.float64)
        move_px = _centroid(seen, rows, columns) - _centroid(drawn, rows, columns)
        move_px = xp.where(xp.isfinite(move_px), move_px, 0.0)
        at_px = xp.clip(at_px + move_px, start_px - radius_px, start_px + radius_px)
        if float(xp.abs(move_px).max()) < _STILL_PX:
            break
    return to_numpy(at_px)


def _nearest_others(centres_px: np.ndarray) -> np.ndarray:
    """Return the index of the nearest other centre of each, of the next nearest, and so on: (others, n)."""
    reach = min(_NEIGHBOURS, len(centres_px))
    _, near = cKDTree(centres_px).query(centres_px, k=list(range(1, reach + 1)))
    return near.T[1:]


def _held(rows: Any, columns: Any, shape_yx: tuple[int, ...]) -> tuple[Any, Any]:
    """Return the pixels as an index into the field, those outside of it moved to its border."""
    xp = array_namespace(rows)
    return xp.clip(rows, 0, shape_yx[0] - 1), xp.clip(columns, 0, shape_yx[1] - 1)


def _centroid(weight: Any, rows: Any, columns: Any) -> Any:
    """Return the centroids (n, 2), not finite where there is no weight."""
    xp = array_namespace(weight)
    total = weight.sum(axis=1)
    total = xp.where(total > 0, total, xp.nan)
    return xp.stack([(weight * rows).sum(axis=1) / total, (weight * columns).sum(axis=1) / total], axis=1)
