"""Filters on a grid in the library of the array that is handed in."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.ndimage

from lensfree.arrays import is_cupy


def ndimage_of(array: Any) -> Any:
    """Return the module of filters that works on this array: `scipy.ndimage` or `cupyx.scipy.ndimage`."""
    if is_cupy(array):
        import cupyx.scipy.ndimage

        return cupyx.scipy.ndimage
    return scipy.ndimage


def resample(maps: Any, shape_yx: tuple[int, ...]) -> Any:
    """Return maps (..., y, x) on another grid over the same field, linear between pixels.

    Pixel edges stay where they are. Where pixels grow, a Gaussian of (ratio - 1) / 2 pixels takes away what
    they could not show. This is `skimage.transform.resize` of order 1, which takes NumPy arrays alone.
    """
    ndimage = ndimage_of(maps)
    before = [float(n) for n in maps.shape]
    after = [*before[:-2], *(float(n) for n in shape_yx)]
    sigma = [max((old / new - 1) / 2, 0.0) for old, new in zip(before, after, strict=True)]
    if any(sigma):
        maps = ndimage.gaussian_filter(maps, sigma, mode="mirror")
    factors = np.divide(after, before).tolist()
    return ndimage.zoom(maps, factors, order=1, mode="mirror", grid_mode=True)
