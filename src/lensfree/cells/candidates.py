"""Places that may be discs: maxima of a map filtered with the disc itself less a ring around it."""

from __future__ import annotations

from typing import Any

import numpy as np

from lensfree.arrays import array_namespace, to_numpy
from lensfree.cells.discs import area_inside, disc_kernel
from lensfree.cells.plateaus import local_maxima
from lensfree.filters import ndimage_of

RING = 1.5
"""Outer radius of the ring around a disc, in disc radii."""

RING_WEIGHT = 0.5
"""Weight of what the ring holds against what the disc holds: the places between discs that touch are
as full as their centres, but have more around them."""

STEP = 1e-6
"""Sums and places that are nearer to each other than this differ by rounding alone."""


def disc_maxima(
    presence: Any, is_free: Any, radius_px: float, least_filled: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the maxima of the filtered map, each plateau as one.

    The map is filtered in its library, on its device; the maxima come to the host.

    Args:
        presence: (y, x) in 0..1, float64.
        is_free: bool (y, x); other pixels count as empty.
        radius_px: radius of a disc.
        least_filled: maxima whose disc is emptier are left out.

    Returns:
        centres (n, 2) y, x in pixels, height (n,) of the filtered map in `STEP`, and (n,) how full the disc
        is there, the mean over what of it lies inside the field.
    """
    xp, ndimage = array_namespace(presence), ndimage_of(presence)
    left = xp.where(is_free, presence, 0.0)
    disc, ring = disc_kernel(radius_px), disc_kernel(RING * radius_px)
    inner = (ring.shape[0] - disc.shape[0]) // 2
    ring[inner : inner + disc.shape[0], inner : inner + disc.shape[0]] -= disc
    total, around = (ndimage.correlate(left, xp.asarray(kernel), mode="constant") for kernel in (disc, ring))
    # Ranked by the sum: the mean over what is inside would put border discs outside their centre.
    ranked = total / (STEP * disc.sum())
    ranked -= around * (RING_WEIGHT / (STEP * ring.sum()))
    xp.rint(ranked, out=ranked)  # equal sums that rounding keeps apart are one plateau again
    is_peak = local_maxima(ranked) & (total > STEP)
    labels, count = ndimage.label(is_peak, structure=xp.ones((3, 3), bool))
    y, x = xp.nonzero(is_peak)
    label = labels[y, x] - 1
    filled = total[y, x] / area_inside(y, x, presence.shape, disc)
    is_candidate = xp.zeros(int(count), bool)
    is_candidate[label[filled >= least_filled]] = True
    is_kept = is_candidate[label]
    y, x = y[is_kept], x[is_kept]
    return _per_plateau(
        *(to_numpy(values) for values in (label[is_kept], y, x, ranked[y, x], filled[is_kept]))
    )


def _per_plateau(
    label: np.ndarray, y: np.ndarray, x: np.ndarray, height: np.ndarray, filled: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return centre, height and largest filling of each plateau from those of its pixels."""
    _, label = np.unique(label, return_inverse=True)
    size = np.bincount(label)
    centres_px = np.stack([np.bincount(label, index) / size for index in (y, x)], axis=1)
    fullest = np.zeros(len(size))
    np.maximum.at(fullest, label, filled)
    return centres_px, np.bincount(label, height) / size, fullest
