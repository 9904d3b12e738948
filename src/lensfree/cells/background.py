"""The local background of an OPD map: slow, and blind to the cells on it."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import ndimage

from lensfree.arrays import array_namespace
from lensfree.cells.pairing import SD_PER_MAD
from lensfree.config import QuantifyConfig

_ITERATIONS = 4
_START_PERCENTILE = 30.0
_COARSE = 6
"""Blocks per scale: the background is slow, so that its means are taken on coarse blocks."""

_LIMITS = (0.25, 0.5)
"""What stands above the background by these shares of the threshold may be cell, must be: in between the
spread decides. Below, a crest of slow OPD would pass for a cell where the spread is small."""

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
    guard_px = _guard_px(pixel_pitch_um)
    background = _low_level(opd, scale_um / pixel_pitch_um)
    smooth = ndimage.gaussian_filter(opd, 1.0 / pixel_pitch_um)
    for _ in range(_ITERATIONS):
        above = smooth - background
        low_nm, high_nm = (share * threshold_nm for share in _LIMITS)
        limit_nm = min(max(2.5 * spread_below_nm(above), low_nm), high_nm)
        is_cell = ndimage.binary_opening(above > limit_nm, iterations=1)
        is_empty = ~ndimage.binary_dilation(is_cell, iterations=guard_px)
        # The mean of what is left each time: one mean alone flattens slopes at the border.
        background = background + _masked_mean(opd - background, is_empty, scale_um / pixel_pitch_um)
    return background


def above_background_nm(opd_nm: np.ndarray, pixel_pitch_um: float, config: QuantifyConfig) -> np.ndarray:
    """Return an OPD map (y, x) less the local background that the reference pipeline takes off."""
    return opd_nm - estimate_background(
        opd_nm, pixel_pitch_um, scale_um=config.background_um, threshold_nm=config.threshold_nm
    )


def background_beside_nm(
    opd_nm: np.ndarray, is_cell: np.ndarray, pixel_pitch_um: float, scale_um: float
) -> np.ndarray:
    """Return the background beside known cells, or what a first estimate left of it [nm].

    Who does not know the cells has to take for a cell whatever rises above a threshold, crests of the
    background and of noise among it, and averages over a scale at which that does little harm. With the cells
    known, a scale half as large follows what is left of slow background.

    Args:
        opd_nm: map (y, x) [nm], as it is or above a first estimate.
        is_cell: (y, x), where the known cells are; their rims do not count either.
        pixel_pitch_um: distance between pixel centres [um].
        scale_um: sd of the Gaussian that weights the mean [um].
    """
    is_empty = ~ndimage.binary_dilation(is_cell, iterations=_guard_px(pixel_pitch_um))
    background = np.zeros(opd_nm.shape)
    for _ in range(_ITERATIONS):
        background = background + _masked_mean(opd_nm - background, is_empty, scale_um / pixel_pitch_um)
    return background


def spread_below_nm(above_nm: np.ndarray) -> float:
    """Return the sd of the background [nm] from what lies below it, because cells only lie above."""
    below = above_nm[above_nm < 0]
    return float(SD_PER_MAD * np.median(-below)) if below.size else 0.0


def white_noise_sd_nm(opd_nm: Any) -> float:
    """Return the sd of the white noise of a map (y, x) [nm], of which cells and background hide nothing.

    The map may be NumPy's or CuPy's.

    From the second difference in y of the second difference in x, which is blind to whatever is smooth over
    three pixels (Immerkaer, Comput. Vis. Image Underst. 64, 300 (1996)); the median forgets edges of cells.
    """
    if min(opd_nm.shape) < 3:
        return 0.0
    xp = array_namespace(opd_nm)
    rough_nm = xp.diff(xp.diff(opd_nm.astype(xp.float64), n=2, axis=0), n=2, axis=1)
    return float(SD_PER_MAD * xp.median(xp.abs(rough_nm)) / 6)  # the squares of 1 -2 1 by 1 -2 1 sum to 36


def _guard_px(pixel_pitch_um: float) -> int:
    return int(np.ceil(_GUARD_UM / pixel_pitch_um))


def _low_level(opd: np.ndarray, scale_px: float) -> np.ndarray:
    """Return a low percentile of the surroundings, which cells that cover less than half do not reach."""
    coarse = _block_sums(opd, scale_px) / _block_sums(np.ones_like(opd), scale_px)
    low = ndimage.percentile_filter(coarse, _START_PERCENTILE, size=2 * _COARSE + 1, mode="reflect")
    return _refined(ndimage.gaussian_filter(low, _COARSE / 2), opd.shape, scale_px)


def _masked_mean(values: np.ndarray, is_counted: np.ndarray, scale_px: float) -> np.ndarray:
    """Return the Gaussian mean over the counted pixels, wider where there are too few."""
    if not is_counted.any():
        return np.zeros(values.shape)
    mean = values[is_counted].mean()
    total = _block_sums(np.where(is_counted, values - mean, 0.0), scale_px)
    weight = _block_sums(is_counted.astype(np.float64), scale_px)
    sigma = scale_px / _coarse_px(scale_px)
    total, weight = (ndimage.gaussian_filter(plane, sigma, mode="reflect") for plane in (total, weight))
    # The overall mean enters with a small fixed weight, so that the step from local to overall is soft.
    least = _LEAST_WEIGHT * _coarse_px(scale_px) ** 2
    return _refined(mean + total / (weight + least), values.shape, scale_px)


def _coarse_px(scale_px: float) -> int:
    return max(1, int(scale_px / _COARSE))


def _block_sums(plane: np.ndarray, scale_px: float) -> np.ndarray:
    """Return the sums over square blocks; those at the far borders may be cut."""
    side = _coarse_px(scale_px)
    y, x = (np.arange(0, n, side) for n in plane.shape)
    return np.asarray(np.add.reduceat(np.add.reduceat(plane, y, axis=0), x, axis=1))


def _refined(coarse: np.ndarray, shape_yx: tuple[int, ...], scale_px: float) -> np.ndarray:
    """Return a map of blocks at every pixel, linear between the centres of the blocks."""
    side = _coarse_px(scale_px)
    y, x = (np.clip((np.arange(n) - (side - 1) / 2) / side, 0, None) for n in shape_yx)
    return _linear(_linear(coarse, y), x, axis=1)


def _linear(values: np.ndarray, at: np.ndarray, axis: int = 0) -> np.ndarray:
    last = values.shape[axis] - 1
    low = np.minimum(at.astype(int), max(last - 1, 0))
    part = np.clip(at - low, 0.0, 1.0)
    part = part[:, None] if axis == 0 else part[None, :]
    high = np.minimum(low + 1, last)
    return np.take(values, low, axis) * (1 - part) + np.take(values, high, axis) * part
