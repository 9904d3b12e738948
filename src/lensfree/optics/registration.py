"""Lateral shift of each channel against the first.

The dies of an RGB LED are not concentric, so each colour sees the sample from a slightly different
side and its hologram lands a few pixels away: a die 0.5 mm off axis at 50 mm moves it by 10 um at 1 mm.
Holograms of different colours have different fringes, so the channels are refocused first and their
darkfield |u - mean u| compared: in it phase objects are bright, and twin images are faint and centred.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from lensfree.arrays import array_namespace, fft2, ifft2, to_numpy
from lensfree.optics.focus import MARGIN_UM, refocus
from lensfree.optics.hologram import Channel, PaddedGrid, is_recorded, padding_px

UPSAMPLING = 20
"""Parts of a pixel that a shift is resolved to."""
FADE_PX = 16


def register(
    intensity: Any, channels: Sequence[Channel], *, pixel_pitch_um: float, max_shift_um: float
) -> list[Channel]:
    """Return the channels with their lateral shifts against the first filled in.

    Args:
        intensity: normalised (channel, y, x); pixels without light or NaN count as open beam.
        channels: wavelengths and distances; a distance wrong by 40 % costs less than a third of a
            pixel, because defocus spreads a cell symmetrically.
        pixel_pitch_um: distance between pixels.
        max_shift_um: larger shifts are not considered.

    Returns:
        Copies of the channels; the first has shift 0.
    """
    xp = array_namespace(intensity)
    grid = PaddedGrid.around(intensity.shape[-2:], padding_px(MARGIN_UM, pixel_pitch_um))
    window = edge_fade(intensity.shape[-2:])
    maps = []
    for plane, channel in zip(intensity, channels, strict=True):
        amplitude = xp.sqrt(xp.where(is_recorded(plane), plane, 1))
        field = refocus(amplitude, channel, channel.z_um, grid, pixel_pitch_um)
        scattered = abs(field - field.mean())
        maps.append((scattered - scattered.mean()) * xp.asarray(window))
    registered = [replace(channels[0], shift_y_um=0.0, shift_x_um=0.0)]
    for channel, moved in zip(channels[1:], maps[1:], strict=True):
        shift_px = find_shift_px(maps[0], moved, max_shift_px=max_shift_um / pixel_pitch_um)
        registered.append(
            replace(channel, shift_y_um=shift_px[0] * pixel_pitch_um, shift_x_um=shift_px[1] * pixel_pitch_um)
        )
    return registered


def find_shift_px(still: Any, moved: Any, *, max_shift_px: float) -> tuple[float, float]:
    """Return how far (y, x) the content of `moved` lies from its place in `still`, in pixels.

    The cross-correlation is searched in whole pixels within max_shift_px, then on a fine grid around
    its maximum by a small matrix Fourier transform (Guizar-Sicairos et al., Opt. Lett. 33, 156 (2008)).

    Args:
        still: real (y, x) with mean near 0, faded at the borders.
        moved: the same scene elsewhere.
        max_shift_px: the shift is sought in the square of this half side.
    """
    xp = array_namespace(still)
    ny, nx = still.shape
    cross = fft2(moved) * fft2(still).conj()
    correlation = to_numpy(ifft2(cross).real)
    reach_y, reach_x = (min(int(max_shift_px), n // 2 - 1) for n in (ny, nx))
    rows, columns = np.arange(-reach_y, reach_y + 1), np.arange(-reach_x, reach_x + 1)
    nearby = correlation[np.ix_(rows % ny, columns % nx)]
    peak_y, peak_x = np.unravel_index(int(nearby.argmax()), nearby.shape)
    fine = np.arange(-UPSAMPLING, UPSAMPLING + 1) / UPSAMPLING
    fine_y, fine_x = rows[peak_y] + fine, columns[peak_x] + fine
    to_y = np.exp(2j * np.pi * np.outer(fine_y, np.fft.fftfreq(ny)))
    to_x = np.exp(2j * np.pi * np.outer(np.fft.fftfreq(nx), fine_x))
    finer = to_numpy((xp.asarray(to_y) @ cross @ xp.asarray(to_x)).real)
    best_y, best_x = np.unravel_index(int(finer.argmax()), finer.shape)
    return float(fine_y[best_y]), float(fine_x[best_x])


def edge_fade(shape_yx: Sequence[int]) -> np.ndarray:
    """Return a weight that fades to 0 at the borders, so that they do not correlate with themselves."""
    sides = []
    for n in shape_yx:
        from_border = np.minimum(np.arange(n), np.arange(n)[::-1])
        sides.append(0.5 - 0.5 * np.cos(np.pi * np.minimum(from_border / min(FADE_PX, n // 2), 1.0)))
    return np.outer(*sides)
