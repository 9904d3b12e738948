"""The local background of an OPD map: slow, and blind to the cells on it."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage.measure import block_reduce

from lensfree.cells.pairing import SD_PER_MAD

_ITERATIONS = 4
_START_PERCENTILE = 30.0
_COARSE = 10
"""Steps per scale of the coarse grid on which the first guess is made."""

_LEAST_WEIGHT = 1e-3
_GUARD_UM = 3.0
"""Pixels this close to a cell do not count: rims and diffraction residue are not background."""


def estimate_background(
    opd_nm: np.ndarray, pixel_pitch_um: float, *, scale_um: float, threshold_nm: float
) -> np.ndarray:
    """Return the slow background under the cells.

    The mean of the pixels without cells, weighted by a Gaussian; which pixels those are and the mean
    are found in turns. Where a whole neighbourhood is cells, the mean of a wider one is taken.

    Args:
        opd_nm: map (y, x) [nm].
        pixel_pitch_um: distance between pixel centres [um].
        scale_um: sd of the Gaussian [um].
        threshold_nm: OPD above background that is cell for certain [nm].

    Returns:
        float64 (y, x) [nm].
    """
    opd = np.asarray(opd_nm, dtype=np.float64)
    guard_px = int(np.ceil(_GUARD_UM / pixel_pitch_um))
    background = _low_level(opd, scale_um / pixel_pitch_um)
    smooth = ndimage.gaussian_filter(opd, 1.0 / pixel_pitch_um)
    for _ in range(_ITERATIONS):
        above = smooth - background
        limit_nm = min(threshold_nm / 2, 2.5 * _spread_below(above))
        is_cell = ndimage.binary_opening(above > limit_nm, iterations=1)
        is_empty = ~ndimage.binary_dilation(is_cell, iterations=guard_px)
        # The mean of what is left each time: one mean alone flattens slopes at the border.
        background = background + _masked_mean(opd - background, is_empty, scale_um / pixel_pitch_um)
    return background


def _low_level(opd: np.ndarray, scale_px: float) -> np.ndarray:
    """Return a low percentile of the surroundings, which cells that cover less than half do not reach."""
    coarse_px = max(1, int(scale_px / _COARSE))
    tall, wide = (-n % coarse_px for n in opd.shape)
    coarse = block_reduce(np.pad(opd, ((0, tall), (0, wide)), mode="edge"), coarse_px, np.mean)
    low = ndimage.percentile_filter(coarse, _START_PERCENTILE, size=2 * _COARSE + 1, mode="reflect")
    low = ndimage.gaussian_filter(low, _COARSE / 2)
    centre_yx = np.ogrid[: opd.shape[0], : opd.shape[1]]
    at = np.broadcast_arrays(*((axis - (coarse_px - 1) / 2) / coarse_px for axis in centre_yx))
    return np.asarray(ndimage.map_coordinates(low, at, order=1, mode="nearest"))


def _spread_below(above_nm: np.ndarray) -> float:
    """Return the sd of the background, from what lies below it: cells only lie above."""
    below = above_nm[above_nm < 0]
    return float(SD_PER_MAD * np.median(-below)) if below.size else 0.0


def _masked_mean(values: np.ndarray, is_counted: np.ndarray, sigma_px: float) -> np.ndarray:
    """Return the Gaussian mean over the counted pixels, wider where there are too few."""
    if not is_counted.any():
        return np.full(values.shape, np.percentile(values, _START_PERCENTILE))
    mean = np.full(values.shape, values[is_counted].mean())
    total = ndimage.gaussian_filter(np.where(is_counted, values - mean, 0.0), sigma_px, mode="reflect")
    weight = ndimage.gaussian_filter(is_counted.astype(float), sigma_px, mode="reflect")
    # The overall mean enters with a small fixed weight, so that the step from local to overall is soft.
    return mean + total / (weight + _LEAST_WEIGHT)
