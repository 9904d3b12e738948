"""Find the distance from sample to sensor: sharpness looks near and far, the model's misfit settles it.

No single criterion serves every sample. The Tamura coefficient of the gradient (Zhang et al., Opt.
Lett. 42, 3824 (2017)) is right on absorbers; transparent beads and cells, whose amplitude is least sharp
in focus, it puts 9 to 20 % too far, or shows no peak at all. The misfit of a short phase retrieval is
right on phase objects but misleads on dense absorbers of one colour. Hence the rule: several colours
trust the misfit over the whole range; one colour trusts it in a bracket around the sharpest distance;
where it has no clear minimum there, the sharpest distance stands.

A single channel only fixes the product of distance and wavelength.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil, isfinite, log, nan
from typing import Any, Literal

import numpy as np
from scipy.signal import find_peaks

from lensfree.arrays import array_namespace, fft2, ifft2
from lensfree.config import FocusConfig
from lensfree.optics.hologram import Channel, PaddedGrid, crop, is_recorded, pad, padding_px
from lensfree.optics.propagation import transfer_function

BRACKET = (0.7, 1.15)
"""Where one colour's misfit is asked, relative to the sharpest distance, which errs to the far side."""
MISFIT_STEP = 0.05
"""Relative distance between two evaluations of the misfit; its basin is some 10 % wide."""
CLEAR_RISE = 1.05
"""The misfit must rise by this factor within 10 % on both sides of its minimum to overrule sharpness.

Measured rises on the weaker side: beads 1.08 to 1.27, simulated cells 1.18 and more (15 to 500 per mm2,
0.7 to 1.6 mm, one colour and three), cheek cells 1.08, a resolution target 1.03, red blood cells (dense
absorbers) 1.02 within the bracket. What is compared is the misfit of parts, see `Problem.misfit_of_parts`.
"""
MARGIN_UM = 110.0


class NoFocusError(ValueError):
    """No distance in the range is better than the others; the message says what to do."""


@dataclass(frozen=True)
class Focus:
    """A distance and how it was found.

    Attributes:
        z_um: sample to sensor.
        decided_by: the criterion that set it.
        z_sharpness_um: where sharpness peaks; NaN if it has no peak in the range.
        z_misfit_um: where the misfit is least; at an edge of what was searched if it has no minimum.
    """

    z_um: float
    decided_by: Literal["misfit", "sharpness"]
    z_sharpness_um: float
    z_misfit_um: float


def central_field(image: Any, field_px: int) -> Any:
    """Return the middle of an image (..., y, x), at most `field_px` on a side: enough to find focus."""
    ny, nx = image.shape[-2:]
    top, left = max(ny - field_px, 0) // 2, max(nx - field_px, 0) // 2
    return image[..., top : top + min(field_px, ny), left : left + min(field_px, nx)]


def sharpness(field: Any) -> float:
    """Return the Tamura coefficient sqrt(sd / mean) of the gradient of |field| (y, x); high is sharp."""
    gradient = _gradient_length(abs(field))
    return float((gradient.std() / gradient.mean()) ** 0.5)


def dark_focus(field: Any) -> float:
    """Return the variance of the gradient of |field - mean| (y, x): a darkfield sharpness.

    After Trusiak et al., Opt. Lasers Eng. 134, 106199 (2020). It peaks 2 to 12 % short of transparent
    beads where `sharpness` peaks 9 to 13 % beyond, and fails on some absorbers.
    """
    return float(_gradient_length(abs(field - field.mean())).var())


def refocus(amplitude: Any, channel: Channel, z_um: float, grid: PaddedGrid, pixel_pitch_um: float) -> Any:
    """Return an amplitude (y, x) propagated back over z_um: a complex field (y, x), twin image and all."""
    return next(_refocus_many(amplitude, channel, [z_um], grid, pixel_pitch_um))


def scan_sharpness(
    intensity: Any, channels: Sequence[Channel], distances_um: Iterable[float], *, pixel_pitch_um: float
) -> np.ndarray:
    """Return the sharpness at each distance, averaged over channels.

    Args:
        intensity: normalised (channel, y, x); pixels without light or NaN count as open beam.
        channels: give the wavelengths; their distances are not used.
        distances_um: where to look.
        pixel_pitch_um: distance between pixels.

    Returns:
        float64 (distance,), host memory.
    """
    xp = array_namespace(intensity)
    grid = PaddedGrid.around(intensity.shape[-2:], padding_px(MARGIN_UM, pixel_pitch_um))
    distances = list(distances_um)
    curve = np.zeros(len(distances))
    for plane, channel in zip(intensity, channels, strict=True):
        amplitude = xp.sqrt(xp.where(is_recorded(plane), plane, 1))
        fields = _refocus_many(amplitude, channel, distances, grid, pixel_pitch_um)
        curve += np.array([sharpness(field) for field in fields])
    return curve / len(channels)


def find_sharpest(
    intensity: Any, channels: Sequence[Channel], *, pixel_pitch_um: float, config: FocusConfig
) -> float:
    """Return the distance in um of the most prominent peak of sharpness, NaN if the range has none.

    Prominence matters: sharpness often rises towards one end of the range, where nothing is in focus.
    """
    distances_um = np.geomspace(config.z_min_um, config.z_max_um, config.steps)
    curve = scan_sharpness(intensity, channels, distances_um, pixel_pitch_um=pixel_pitch_um)
    peaks, found = find_peaks(curve, prominence=0)
    if not len(peaks):
        return nan
    best = int(peaks[np.argmax(found["prominences"])])
    return _vertex(distances_um[best - 1 : best + 2], -curve[best - 1 : best + 2])


def find_focus(
    intensity: Any,
    channels: Sequence[Channel],
    *,
    pixel_pitch_um: float,
    config: FocusConfig,
    misfit_at: Callable[[float], float],
) -> Focus:
    """Find the one distance of all channels.

    Args:
        intensity: normalised (channel, y, x); a part of the field with a few dozen cells is enough.
        channels: give the wavelengths; their distances are not used.
        pixel_pitch_um: distance between pixels.
        config: range and steps.
        misfit_at: misfit of a short phase retrieval of the same intensity at a distance in um.

    Returns:
        The distance, and what each criterion said.

    Raises:
        NoFocusError: neither criterion has an extremum inside the range.
    """
    z_sharpness_um = find_sharpest(intensity, channels, pixel_pitch_um=pixel_pitch_um, config=config)
    low_um, high_um = config.z_min_um, config.z_max_um
    if len({channel.wavelength_nm for channel in channels}) == 1 and isfinite(z_sharpness_um):
        low_um, high_um = (z_sharpness_um * factor for factor in BRACKET)
    steps = ceil(log(high_um / low_um) / MISFIT_STEP) + 1
    distances_um = np.geomspace(low_um, high_um, max(steps, 3))
    misfits = np.array([misfit_at(float(z_um)) for z_um in distances_um])
    best = int(np.argmin(misfits))
    if not _has_clear_minimum(distances_um, misfits):
        if not isfinite(z_sharpness_um):
            raise NoFocusError(
                f"neither sharpness nor misfit has an optimum between z_min_um={config.z_min_um} and "
                f"z_max_um={config.z_max_um}; widen the range or give z_um in the acquisitions sheet"
            )
        return Focus(z_sharpness_um, "sharpness", z_sharpness_um, float(distances_um[best]))
    z_misfit_um = _vertex(distances_um[best - 1 : best + 2], misfits[best - 1 : best + 2])
    for part in (0.5, 0.25):  # closer points, because the minimum is steeper on the short side
        near = z_misfit_um * (1 + part * MISFIT_STEP * np.array([-1.0, 0.0, 1.0]))
        z_misfit_um = _vertex(near, np.array([misfit_at(float(z_um)) for z_um in near]))
    return Focus(z_misfit_um, "misfit", z_sharpness_um, z_misfit_um)


def _has_clear_minimum(distances_um: np.ndarray, misfits: np.ndarray) -> bool:
    """Return whether the misfit has an inner minimum that rises by CLEAR_RISE within 10 % on both sides."""
    best = int(np.argmin(misfits))
    if best in (0, len(misfits) - 1):
        return False
    z_um = _vertex(distances_um[best - 1 : best + 2], misfits[best - 1 : best + 2])
    sides = np.interp(z_um * np.array([0.9, 1.1]), distances_um, misfits)
    return bool(sides.min() >= CLEAR_RISE * misfits[best])


def _refocus_many(
    amplitude: Any, channel: Channel, distances_um: Iterable[float], grid: PaddedGrid, pixel_pitch_um: float
) -> Iterator[Any]:
    """Yield the back-propagated field at each distance; the forward transform is done once."""
    xp = array_namespace(amplitude)
    spectrum = fft2(pad(amplitude, grid).astype(xp.complex64))
    for z_um in distances_um:
        transfer = transfer_function(
            spectrum, z_um=-z_um, wavelength_nm=channel.wavelength_nm, pixel_pitch_um=pixel_pitch_um
        )
        yield crop(ifft2(spectrum * transfer), grid)


def _gradient_length(image: Any) -> Any:
    xp = array_namespace(image)
    along_y = (image[2:, 1:-1] - image[:-2, 1:-1]) / 2
    along_x = (image[1:-1, 2:] - image[1:-1, :-2]) / 2
    return xp.hypot(along_y, along_x)


def _vertex(x: np.ndarray, y: np.ndarray) -> float:
    """Return where the parabola through three points is least, within their range."""
    bend, slope, _ = np.polyfit(x - x[1], y, 2)
    if bend <= 0:
        return float(x[np.argmin(y)])
    return float(np.clip(x[1] - slope / (2 * bend), x[0], x[2]))
