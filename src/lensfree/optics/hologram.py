"""Forward model of one in-line hologram per channel: geometry, transfer functions, margins.

Distances and the pixel pitch are those of the equivalent plane wave. A point source at a distance R
from the sample spreads the hologram by `magnification` M = 1 + z / R; dividing the sensor's pitch and
the distance z by M makes the spherical wave a plane one (paraxially exact), after which areas and dry
masses are those in the sample. At 1 mm and 50 mm M is 1.02; nothing below applies it silently.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, pi
from typing import Any

from scipy.fft import next_fast_len

from lensfree.arrays import array_namespace
from lensfree.config import OpticsConfig
from lensfree.optics.coherence import pixel_envelope, source_envelope, temporal_envelope
from lensfree.optics.propagation import frequencies_per_um, transfer_function


@dataclass(frozen=True)
class Channel:
    """One exposure of the same sample: a colour, a distance or both.

    A feature of the sample at y_um appears in this channel's hologram at y_um + shift_y_um.
    """

    wavelength_nm: float
    z_um: float
    shift_y_um: float = 0.0
    shift_x_um: float = 0.0


@dataclass(frozen=True)
class PaddedGrid:
    """A recorded field inside a larger grid with sizes that transform fast."""

    shape_yx: tuple[int, int]
    padded_yx: tuple[int, int]

    @classmethod
    def around(cls, shape_yx: Sequence[int], padding_px: int) -> PaddedGrid:
        """Return the smallest fast grid with at least `padding_px` on every side.

        Sizes have no prime factor above 5, which both the CPU's and the GPU's FFT like.
        """
        ny, nx = shape_yx
        padded = (
            next_fast_len(ny + 2 * padding_px, real=True),
            next_fast_len(nx + 2 * padding_px, real=True),
        )
        return cls((ny, nx), padded)

    @property
    def window(self) -> tuple[Any, slice, slice]:
        """Index of the recorded field in an array (..., y, x) on the padded grid."""
        (ny, nx), (py, px) = self.shape_yx, self.padded_yx
        top, left = (py - ny) // 2, (px - nx) // 2
        return ..., slice(top, top + ny), slice(left, left + nx)


def pad(image: Any, grid: PaddedGrid, *, outside: float = 1.0) -> Any:
    """Return the image (..., y, x) on the padded grid, led smoothly to `outside` in the margin.

    Edge pixels are repeated outwards and faded by half a cosine, so that no hard edge diffracts.
    """
    xp = array_namespace(image)
    _check_shape(image, grid.shape_yx)
    (ny, nx), (py, px) = grid.shape_yx, grid.padded_yx
    _, rows, columns = grid.window
    before_after = [(0, 0)] * (image.ndim - 2) + [
        (rows.start, py - rows.stop),
        (columns.start, px - columns.stop),
    ]
    taper = _taper(xp, ny, rows.start, py)[:, None] * _taper(xp, nx, columns.start, px)[None, :]
    padded = xp.pad(image, before_after, mode="edge")
    return (outside + (padded - outside) * taper).astype(image.dtype)


def crop(image: Any, grid: PaddedGrid) -> Any:
    """Return the recorded field (a view) of an array (..., y, x) on the padded grid."""
    _check_shape(image, grid.padded_yx)
    return image[grid.window]


def is_recorded(intensity: Any) -> Any:
    """Return where light was recorded, bool, same shape: finite and above 0.

    A pixel without light is dead, or its dark level was taken off too much; a shadow is not that dark,
    because light diffracts into it (an opaque disc of 120 um at 1 mm leaves 1 % of its pixels without a
    count of 8 bits). Taken as dark, one dead pixel in a hundred costs 12 nm of OPD; left out, nothing.
    """
    xp = array_namespace(intensity)
    return xp.isfinite(intensity) & (intensity > 0)


def magnification(z_um: float, optics: OpticsConfig) -> float:
    """Return M = 1 + z / R of a point source at R: sensor pitch and z, over M, are those to use here."""
    return 1.0 + z_um / (optics.source_distance_mm * 1000.0)


def padding_px(padding_um: float, pixel_pitch_um: float) -> int:
    """Return the margin in whole pixels."""
    return ceil(padding_um / pixel_pitch_um)


def build_transfers(
    channels: Sequence[Channel], like: Any, *, pixel_pitch_um: float, optics: OpticsConfig
) -> Any:
    """Return each channel's transfer function from sample to sensor.

    It is the propagator over z, times the envelopes of LED, pinhole and pixel, times the phase ramp
    of the lateral shift, divided by its value at zero frequency: open beam stays 1.

    Args:
        channels: the exposures, in the order of the channel axis.
        like: complex array (..., y, x) that sets library, dtype and grid.
        pixel_pitch_um: distance between pixels.
        optics: the instrument.

    Returns:
        Complex (channel, y, x) in FFT order, dtype of `like`.
    """
    xp = array_namespace(like)
    wide = xp.empty(like.shape[-2:], dtype=xp.complex128)
    fy_per_um, fx_per_um = frequencies_per_um(like, pixel_pitch_um)
    pixel = pixel_envelope(like, pixel_pitch_um=pixel_pitch_um)
    transfers = xp.empty((len(channels), *like.shape[-2:]), dtype=like.dtype)
    for index, channel in enumerate(channels):
        transfer = transfer_function(
            wide,
            z_um=channel.z_um,
            wavelength_nm=channel.wavelength_nm,
            pixel_pitch_um=pixel_pitch_um,
            n_medium=optics.n_medium,
        )
        transfer /= transfer[0, 0]
        transfer *= pixel
        transfer *= temporal_envelope(
            like, z_um=channel.z_um, pixel_pitch_um=pixel_pitch_um, fwhm_nm=optics.led_fwhm_nm
        )
        transfer *= source_envelope(
            like,
            z_um=channel.z_um,
            pixel_pitch_um=pixel_pitch_um,
            diameter_um=optics.source_diameter_um,
            distance_mm=optics.source_distance_mm,
        )
        if channel.shift_y_um or channel.shift_x_um:
            transfer *= xp.exp(-2j * pi * (fy_per_um * channel.shift_y_um + fx_per_um * channel.shift_x_um))
        transfers[index] = transfer
    return transfers


def _check_shape(image: Any, expected_yx: tuple[int, int]) -> None:
    if tuple(image.shape[-2:]) != tuple(expected_yx):
        raise ValueError(f"got an image of {tuple(image.shape[-2:])} pixels (y, x), expected {expected_yx}")


def _taper(xp: Any, n: int, before: int, padded: int) -> Any:
    """Return 1 over the n recorded pixels, falling to 0 at both ends of the padded axis."""
    index = xp.arange(padded, dtype=xp.float64)
    outside_px = xp.maximum(xp.maximum(before - index, index - (before + n - 1)), 0.0)
    return 0.5 * (1.0 + xp.cos(pi * xp.minimum(outside_px / max(before, 1), 1.0)))
