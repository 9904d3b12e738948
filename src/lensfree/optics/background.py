"""Open-beam background: what the sensor would count without cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from scipy import ndimage

_BLOCK_ROWS = 128
_SAMPLES_PER_SD = 6
DARK_FRACTION = 0.05


def mean_background(frames: Iterable[np.ndarray]) -> np.ndarray:
    """Return the mean of frames (channel, y, x) as float32, one frame in memory at a time."""
    total: np.ndarray | None = None
    count = 0
    for frame in frames:
        total = frame.astype(np.float64) if total is None else total + frame
        count += 1
    if total is None:
        raise ValueError("no readable frame to take the background from; check the acquisition's files")
    return (total / count).astype(np.float32)


def temporal_median(frames: Sequence[np.ndarray]) -> np.ndarray:
    """Return the median over time per pixel, (channel, y, x) float32.

    Cells that move are not at the same place in half of the frames, so they drop out.
    """
    if not frames:
        raise ValueError("no readable frame to take the background from; check the acquisition's files")
    out = np.empty(frames[0].shape, dtype=np.float32)
    n_channels, height, _ = frames[0].shape
    for channel in range(n_channels):
        for row in range(0, height, _BLOCK_ROWS):
            block = slice(row, row + _BLOCK_ROWS)
            out[channel, block] = np.median([frame[channel, block] for frame in frames], axis=0)
    return out


def smooth_background(mean: np.ndarray, *, smooth_um: float, pixel_pitch_um: float) -> np.ndarray:
    """Return the wide Gaussian of a mean frame, (channel, y, x) float32.

    Beyond the border the frame is mirrored. The mean is averaged over blocks first, because a
    Gaussian of 90 pixels does not need every pixel.

    Args:
        mean: counts (channel, y, x).
        smooth_um: sd of the Gaussian in um.
        pixel_pitch_um: pitch in um.
    """
    sd_px = smooth_um / pixel_pitch_um
    block = max(1, int(sd_px / _SAMPLES_PER_SD))
    out = np.empty(mean.shape, dtype=np.float32)
    for channel, plane in enumerate(mean):
        pad = [(0, -n % block) for n in plane.shape]
        padded = np.pad(plane.astype(np.float64), pad, mode="symmetric")
        coarse = padded.reshape(padded.shape[0] // block, block, -1, block).mean(axis=(1, 3))
        blurred = ndimage.gaussian_filter(coarse, sd_px / block, mode="reflect")
        rows, columns = ((np.arange(n) - (block - 1) / 2) / block for n in plane.shape)
        grid = np.meshgrid(rows, columns, indexing="ij")
        out[channel] = ndimage.map_coordinates(blurred, grid, order=1, mode="nearest")
    return out


def level_background(mean: np.ndarray) -> np.ndarray:
    """Return one level per channel, the median of a mean frame, as (channel, y, x) float32."""
    level = np.median(mean, axis=(-2, -1), keepdims=True)
    return np.broadcast_to(level, mean.shape).astype(np.float32)


def fill_dark(background: np.ndarray) -> tuple[np.ndarray, int]:
    """Replace pixels without light by the channel's median, because intensity is divided by them.

    Returns:
        The background and how many pixels were replaced.

    Raises:
        ValueError: if half of a channel or more is dark.
    """
    level = np.median(background, axis=(-2, -1), keepdims=True)
    if (level <= 0).any():
        dark = int(np.argmax((level <= 0).ravel()))
        raise ValueError(f"the background of channel {dark} is dark (median 0); check the light or the image")
    is_dark = background < DARK_FRACTION * level
    return np.where(is_dark, level, background).astype(np.float32), int(is_dark.sum())
