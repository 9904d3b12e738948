"""Compiled loops of total variation over the rows [first, end) of a map: the CPU side of `pointwise`."""

from __future__ import annotations

import numpy as np

from lensfree.phase.loops import compiled


@compiled
def variation(first, end, image):  # type: ignore[no-untyped-def]
    """Sum of the lengths of the forward differences."""
    ny, nx = image.shape
    total = 0.0
    for y in range(first, end):
        below = y + 1 if y + 1 < ny else 0
        row = 0.0
        for x in range(nx - 1):
            step_y = image[below, x] - image[y, x]
            step_x = image[y, x + 1] - image[y, x]
            row += np.sqrt(step_y * step_y + step_x * step_x)
        step_y = image[below, nx - 1] - image[y, nx - 1]
        step_x = image[y, 0] - image[y, nx - 1]
        total += row + np.sqrt(step_y * step_y + step_x * step_x)
    return total


@compiled
def _primal(image, y, weight, dual, out):  # type: ignore[no-untyped-def]
    """Write row y of image - weight D^T dual."""
    ny, nx = image.shape
    above = y - 1 if y > 0 else ny - 1
    out[0] = image[y, 0] - weight * (dual[0, above, 0] - dual[0, y, 0] + dual[1, y, nx - 1] - dual[1, y, 0])
    for x in range(1, nx):
        out[x] = image[y, x] - weight * (
            dual[0, above, x] - dual[0, y, x] + dual[1, y, x - 1] - dual[1, y, x]
        )


@compiled
def dual_step(first, end, image, weight, pace, dual, stepped):  # type: ignore[no-untyped-def]
    """One projected gradient step on the dual, from `dual` to `stepped`."""
    ny, nx = image.shape
    here = np.empty(nx, image.dtype)
    below = np.empty(nx, image.dtype)
    one = weight / weight
    _primal(image, first, weight, dual, here)
    for y in range(first, end):
        _primal(image, y + 1 if y + 1 < ny else 0, weight, dual, below)
        for x in range(nx - 1):
            to_y = dual[0, y, x] + pace * (below[x] - here[x])
            to_x = dual[1, y, x] + pace * (here[x + 1] - here[x])
            size = max(np.sqrt(to_y * to_y + to_x * to_x), one)
            stepped[0, y, x] = to_y / size
            stepped[1, y, x] = to_x / size
        to_y = dual[0, y, nx - 1] + pace * (below[nx - 1] - here[nx - 1])
        to_x = dual[1, y, nx - 1] + pace * (here[0] - here[nx - 1])
        size = max(np.sqrt(to_y * to_y + to_x * to_x), one)
        stepped[0, y, nx - 1] = to_y / size
        stepped[1, y, nx - 1] = to_x / size
        here, below = below, here
    return 0.0


@compiled
def move_on(first, end, image, weight, dual, momentum, point, ahead):  # type: ignore[no-untyped-def]
    """Put image - weight D^T dual into `point`, and what lies beyond, from the old one on, into `ahead`."""
    row = np.empty(image.shape[1], image.dtype)
    for y in range(first, end):
        _primal(image, y, weight, dual, row)
        for x in range(image.shape[1]):
            ahead[y, x] = row[x] + momentum * (row[x] - point[y, x])
            point[y, x] = row[x]
    return 0.0
