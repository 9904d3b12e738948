"""What partial coherence and the pixel leave of the interference, as real filters in FFT order.

To first order in the scattered field each filter multiplies the interference term, so it may
multiply the transfer function of the field itself. All have unit gain at zero frequency.
"""

from __future__ import annotations

from math import pi
from typing import Any

from lensfree.arrays import array_namespace, is_cupy
from lensfree.optics.propagation import frequencies_per_um
from lensfree.units import NM_PER_UM

FWHM_PER_SD = 2.355


def temporal_envelope(like: Any, *, z_um: float, pixel_pitch_um: float, fwhm_nm: float) -> Any:
    """Return exp(-(pi z f^2 sd)^2 / 2): the mean of the Fresnel chirp over a Gaussian spectrum.

    The chirp pi wavelength z f^2 is linear in the wavelength, so its mean over a line of standard
    deviation sd = FWHM / 2.355 does not depend on the wavelength itself.

    Args:
        like: array (..., y, x) that sets library and grid.
        z_um: sample to sensor.
        pixel_pitch_um: distance between pixels.
        fwhm_nm: spectral width of the LED.

    Returns:
        float64 (y, x) in FFT order.
    """
    xp = array_namespace(like)
    fy_per_um, fx_per_um = frequencies_per_um(like, pixel_pitch_um)
    sd_um = fwhm_nm / FWHM_PER_SD / NM_PER_UM
    return xp.exp(-((pi * z_um * (fy_per_um**2 + fx_per_um**2) * sd_um) ** 2) / 2)


def source_envelope(
    like: Any, *, z_um: float, pixel_pitch_um: float, diameter_um: float, distance_mm: float
) -> Any:
    """Return 2 J1(x) / x: the blur by the image of a round source of uniform brightness.

    Seen from a point of the sample the source throws a disc of diameter_um * z / distance on the
    sensor, and x = pi * disc * f.

    Args:
        like: array (..., y, x) that sets library and grid.
        z_um: sample to sensor.
        pixel_pitch_um: distance between pixels.
        diameter_um: diameter of the pinhole.
        distance_mm: pinhole to sample.

    Returns:
        float64 (y, x) in FFT order.
    """
    xp = array_namespace(like)
    if is_cupy(like):
        from cupyx.scipy.special import j1
    else:
        from scipy.special import j1
    fy_per_um, fx_per_um = frequencies_per_um(like, pixel_pitch_um)
    disc_um = diameter_um * abs(z_um) / (distance_mm * 1000.0)
    x = pi * disc_um * xp.sqrt(fy_per_um**2 + fx_per_um**2)
    is_small = x < 1e-6
    x = xp.where(is_small, 1.0, x)
    return xp.where(is_small, 1.0, 2.0 * j1(x) / x)


def pixel_envelope(like: Any, *, pixel_pitch_um: float) -> Any:
    """Return sinc(f_y pitch) sinc(f_x pitch): a square pixel that is sensitive all over.

    Args:
        like: array (..., y, x) that sets library and grid.
        pixel_pitch_um: side of a pixel.

    Returns:
        float64 (y, x) in FFT order.
    """
    xp = array_namespace(like)
    fy_per_um, fx_per_um = frequencies_per_um(like, pixel_pitch_um)
    return xp.sinc(fy_per_um * pixel_pitch_um) * xp.sinc(fx_per_um * pixel_pitch_um)
