"""Holograms of a known OPD map, by a finer model than the one that is inverted.

The inverse problem (`lensfree.optics.hologram`) multiplies one monochromatic field by real envelopes.
Here an LED is a sum of intensities over several wavelengths, each propagated by itself on a grid finer
than the sensor; the pinhole blurs intensity, not field; and the pixel integrates by binning. So a
reconstruction that does well on these holograms does not do so by sharing their approximations.

The field lives in a periodic box. The caller renders a box larger than the sensor (`box_around`), with
cells in the margin too, and the margin is cut after propagation: light from cells outside the sensor
reaches it as it does in reality. Towards the edge of the box the sample fades to open beam.
Distances and pitch are those of the equivalent plane wave, as in `lensfree.optics.hologram`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, pi

import numpy as np
import pandas as pd
from numba import njit
from scipy import fft
from scipy.special import j1

from lensfree.arrays import cpu_count
from lensfree.config import OpticsConfig
from lensfree.optics.hologram import Channel
from lensfree.optics.propagation import transfer_function
from lensfree.units import NM_PER_UM

FWHM_PER_SD = 2 * (2 * np.log(2)) ** 0.5
FADE_UM = 20.0


@dataclass(frozen=True)
class Box:
    """A simulated field around the sensor's; positions count from the sensor's pixel (0, 0).

    Attributes:
        shape_yx: pixels of the box, at the sensor's pitch.
        sensor_yx: pixels of the sensor.
        margin_yx: pixels of the box before the sensor's first row and column.
    """

    shape_yx: tuple[int, int]
    sensor_yx: tuple[int, int]
    margin_yx: tuple[int, int]

    def crop(self, image: np.ndarray, oversampling: int = 1) -> np.ndarray:
        """Return the sensor's part of an array (..., y, x) that covers the box."""
        top, left = (n * oversampling for n in self.margin_yx)
        ny, nx = (n * oversampling for n in self.sensor_yx)
        return image[..., top : top + ny, left : left + nx]

    def to_box(self, cells: pd.DataFrame, pixel_pitch_um: float) -> pd.DataFrame:
        """Return cells with positions counted from the box's pixel (0, 0), for rendering the box."""
        top, left = self.margin_yx
        return cells.assign(
            y_um=cells["y_um"] + top * pixel_pitch_um, x_um=cells["x_um"] + left * pixel_pitch_um
        )

    def to_sensor(self, cells: pd.DataFrame, pixel_pitch_um: float) -> pd.DataFrame:
        """Return cells with positions counted from the sensor's pixel (0, 0): the inverse of `to_box`."""
        top, left = self.margin_yx
        return cells.assign(
            y_um=cells["y_um"] - top * pixel_pitch_um, x_um=cells["x_um"] - left * pixel_pitch_um
        )


@dataclass(frozen=True)
class LightPaths:
    """What does not change from frame to frame: transfer functions per line, blur and shift per colour.

    Attributes:
        wavelengths_nm: (channel, line).
        weights: (line,) that sum to 1.
        transfers: complex64 (channel, line, y, x), FFT order.
        blurs: complex64 (channel, y, x // 2 + 1): pinhole and lateral shift, real-FFT order.
    """

    wavelengths_nm: np.ndarray
    weights: np.ndarray
    transfers: np.ndarray
    blurs: np.ndarray


def box_around(sensor_yx: tuple[int, int], pixel_pitch_um: float, margin_um: float = 110.0) -> Box:
    """Return the smallest box with fast FFT sizes and at least this margin on each side.

    A hologram's fringes that survive a 20 nm LED at 1 mm reach about 110 um.
    """
    margin_px = ceil(margin_um / pixel_pitch_um)
    shape = tuple(fft.next_fast_len(n + 2 * margin_px, real=True) for n in sensor_yx)
    margin = tuple((outer - n) // 2 for outer, n in zip(shape, sensor_yx, strict=True))
    return Box((shape[0], shape[1]), (sensor_yx[0], sensor_yx[1]), (margin[0], margin[1]))


def spectral_nodes(wavelength_nm: float, fwhm_nm: float, lines: int) -> tuple[np.ndarray, np.ndarray]:
    """Return wavelengths [nm] and weights (sum 1) of the Gauss-Hermite rule for a Gaussian spectrum."""
    nodes, weights = np.polynomial.hermite.hermgauss(lines)
    return wavelength_nm + 2**0.5 * fwhm_nm / FWHM_PER_SD * nodes, weights / weights.sum()


def build_paths(
    channels: Sequence[Channel],
    shape_yx: tuple[int, int],
    *,
    pixel_pitch_um: float,
    optics: OpticsConfig,
    spectral_lines: int = 5,
) -> LightPaths:
    """Prepare the light's ways from sample to sensor on a grid.

    Args:
        channels: the exposures.
        shape_yx: pixels of the (fine) grid.
        pixel_pitch_um: pitch of the (fine) grid.
        optics: the instrument.
        spectral_lines: wavelengths that make up an LED. A rule of n lines follows the contrast of a
            Gaussian spectrum up to a chirp of about n / 2 radians rms and rises again beyond.
    """
    like = np.empty(shape_yx, np.complex64)
    transfers = np.empty((len(channels), spectral_lines, *shape_yx), np.complex64)
    wavelengths_nm = np.empty((len(channels), spectral_lines))
    blurs = np.empty((len(channels), shape_yx[0], shape_yx[1] // 2 + 1), np.complex64)
    fy = np.fft.fftfreq(shape_yx[0], pixel_pitch_um)[:, None]
    fx = np.fft.rfftfreq(shape_yx[1], pixel_pitch_um)[None, :]
    weights = np.ones(1)
    for c, channel in enumerate(channels):
        wavelengths_nm[c], weights = spectral_nodes(channel.wavelength_nm, optics.led_fwhm_nm, spectral_lines)
        for line, wavelength_nm in enumerate(wavelengths_nm[c]):
            transfers[c, line] = transfer_function(
                like,
                z_um=channel.z_um,
                wavelength_nm=wavelength_nm,
                pixel_pitch_um=pixel_pitch_um,
                n_medium=optics.n_medium,
            )
        disc_um = optics.source_diameter_um * abs(channel.z_um) / (optics.source_distance_mm * NM_PER_UM)
        blurs[c] = _disc_transfer(pi * disc_um * np.hypot(fy, fx)) * np.exp(
            -2j * pi * (fy * channel.shift_y_um + fx * channel.shift_x_um)
        )
    return LightPaths(wavelengths_nm, weights, transfers, blurs)


def simulate_intensity(
    opd_nm: np.ndarray,
    absorption: np.ndarray,
    channels: Sequence[Channel],
    *,
    pixel_pitch_um: float,
    optics: OpticsConfig,
    spectral_lines: int = 5,
    oversampling: int = 1,
    paths: LightPaths | None = None,
) -> np.ndarray:
    """Return the intensity that each channel would record without illumination structure and noise.

    Args:
        opd_nm: (y, x) on the fine grid: sensor-pitch pixels times `oversampling`, box margin included.
        absorption: (y, x), same grid; the transmittance is exp(-absorption + 2 pi i OPD / wavelength).
        channels: the exposures; a feature at y_um appears at y_um + shift_y_um.
        pixel_pitch_um: pitch of the sensor [um].
        optics: the instrument.
        spectral_lines: wavelengths per LED.
        oversampling: fine pixels per sensor pixel and axis; they are averaged as a full pixel would.
        paths: from `build_paths` for the fine grid, to save their cost on every frame but the first.

    Returns:
        float32 (channel, y, x) at the sensor's pitch; 1 is the open beam.

    Raises:
        ValueError: the maps differ in shape, or do not divide by `oversampling`.
    """
    if opd_nm.shape != absorption.shape:
        raise ValueError(
            f"absorption has shape {absorption.shape}, expected that of opd_nm, {opd_nm.shape}: "
            "render both alike"
        )
    if opd_nm.shape[0] % oversampling or opd_nm.shape[1] % oversampling:
        raise ValueError(
            f"opd_nm has shape {opd_nm.shape}, expected a multiple of oversampling={oversampling}: "
            "render it with the same oversampling"
        )
    fine_um = pixel_pitch_um / oversampling
    if paths is None:
        paths = build_paths(
            channels, opd_nm.shape, pixel_pitch_um=fine_um, optics=optics, spectral_lines=spectral_lines
        )
    if paths.transfers.shape[0] != len(channels) or paths.transfers.shape[2:] != opd_nm.shape:
        raise ValueError(
            f"paths are for {paths.transfers.shape[0]} channels of {paths.transfers.shape[2:]} pixels, "
            f"expected {len(channels)} of {opd_nm.shape}: build them anew with build_paths"
        )
    workers = cpu_count()
    fade = _fade(opd_nm.shape, fine_um)
    opd = (opd_nm * fade).astype(np.float32)
    attenuation = np.exp(-absorption * fade).astype(np.float32)
    field = np.empty(opd.shape, np.complex64)
    blocks = (opd.shape[0] // oversampling, oversampling, opd.shape[1] // oversampling, oversampling)
    out = np.empty((len(channels), blocks[0], blocks[2]), np.float32)
    for c in range(len(channels)):
        intensity = np.zeros(opd.shape, np.float32)
        for line, weight in enumerate(paths.weights):
            _transmit(field, opd, attenuation, 2 * pi / paths.wavelengths_nm[c, line])
            spectrum = fft.fft2(field, workers=workers, overwrite_x=True)
            spectrum *= paths.transfers[c, line]
            at_sensor = fft.ifft2(spectrum, workers=workers, overwrite_x=True)
            _add_intensity(intensity, at_sensor, float(weight))
        spectrum = fft.rfft2(intensity, workers=workers) * paths.blurs[c]
        blurred = fft.irfft2(spectrum, s=opd.shape, workers=workers)
        out[c] = blurred.reshape(blocks).mean(axis=(1, 3))
    return out


def _disc_transfer(x: np.ndarray) -> np.ndarray:
    safe = np.where(x < 1e-6, 1.0, x)
    return np.where(x < 1e-6, 1.0, 2 * j1(safe) / safe)


def _fade(shape_yx: tuple[int, int], pixel_pitch_um: float) -> np.ndarray:
    """Return 1 inside the box and a half cosine down to 0 over its last 20 um."""
    sides = []
    for n in shape_yx:
        from_edge_um = (np.minimum(np.arange(n), np.arange(n)[::-1]) + 0.5) * pixel_pitch_um
        sides.append(0.5 - 0.5 * np.cos(pi * np.minimum(from_edge_um / FADE_UM, 1.0)))
    return (sides[0][:, None] * sides[1][None, :]).astype(np.float32)


@njit(cache=True, fastmath=True)
def _transmit(field: np.ndarray, opd_nm: np.ndarray, attenuation: np.ndarray, wave_per_nm: float) -> None:
    wave = np.float32(wave_per_nm)
    for row in range(field.shape[0]):
        for col in range(field.shape[1]):
            phase = wave * opd_nm[row, col]
            amplitude = attenuation[row, col]
            field[row, col] = amplitude * (np.cos(phase) + 1j * np.sin(phase))


@njit(cache=True, fastmath=True)
def _add_intensity(intensity: np.ndarray, field: np.ndarray, weight: float) -> None:
    share = np.float32(weight)
    for row in range(field.shape[0]):
        for col in range(field.shape[1]):
            value = field[row, col]
            intensity[row, col] += share * (value.real * value.real + value.imag * value.imag)
