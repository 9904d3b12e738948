"""Free-space propagation of a scalar field by its angular spectrum."""

from __future__ import annotations

from math import pi
from typing import Any

from lensfree.arrays import array_namespace, fft2, ifft2
from lensfree.units import NM_PER_UM


def frequencies_per_um(like: Any, pixel_pitch_um: float) -> tuple[Any, Any]:
    """Return the spatial frequencies of a grid in cycles/um, float64, in FFT order.

    Args:
        like: array (..., y, x) that sets the library and the grid.
        pixel_pitch_um: distance between pixels.

    Returns:
        Column (y, 1) and row (1, x), which broadcast to the grid.
    """
    xp = array_namespace(like)
    ny, nx = like.shape[-2:]
    fy_per_um = xp.fft.fftfreq(ny, d=pixel_pitch_um).astype(xp.float64)[:, None]
    fx_per_um = xp.fft.fftfreq(nx, d=pixel_pitch_um).astype(xp.float64)[None, :]
    return fy_per_um, fx_per_um


def transfer_function(
    like: Any, *, z_um: float, wavelength_nm: float, pixel_pitch_um: float, n_medium: float = 1.0
) -> Any:
    """Return the transfer function H(f) = exp(2 pi i z sqrt((n / wavelength)^2 - f^2)).

    Phases reach 1e4 rad at 1 mm, so they are formed in float64 and cast last. The boundary is
    periodic: the caller pads.

    Args:
        like: complex array (..., y, x); sets library, dtype and grid.
        z_um: distance along the axis; a negative one propagates back.
        wavelength_nm: wavelength in vacuum.
        pixel_pitch_um: distance between pixels.
        n_medium: refractive index of the medium.

    Returns:
        Complex (y, x) in FFT order; every element has modulus 1.

    Raises:
        ValueError: the grid is so fine that it would sample evanescent waves.
    """
    f_max_per_um = n_medium * NM_PER_UM / wavelength_nm
    if pixel_pitch_um * f_max_per_um <= 0.5**0.5:
        raise ValueError(
            f"pixel_pitch_um={pixel_pitch_um} at wavelength_nm={wavelength_nm} would sample evanescent "
            f"waves; expected more than {0.5**0.5 / f_max_per_um:.3f} um: bin the image or check the units"
        )
    xp = array_namespace(like)
    fy_per_um, fx_per_um = frequencies_per_um(like, pixel_pitch_um)
    fz_per_um = xp.sqrt(f_max_per_um**2 - fx_per_um**2 - fy_per_um**2)
    return xp.exp(2j * pi * z_um * fz_per_um).astype(like.dtype)


def propagate(field: Any, transfer: Any) -> Any:
    """Return the complex field (..., y, x) after a transfer function (..., y, x) in FFT order.

    The conjugate of a pure propagator is its inverse and, for any transfer function, the adjoint.
    """
    return ifft2(fft2(field) * transfer)
