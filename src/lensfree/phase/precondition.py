"""The curvature of the objective for a weak sample, inverted: steps that reach every period alike.

For a weak sample channel c sees |U_c| - 1 = E_c (k_c sin(chi_c) o - cos(chi_c) a) per spatial frequency,
with the propagator's phase chi_c and the envelopes E_c. Its square is curved by a 2 x 2 matrix per
frequency, small for OPD at long periods, to which total variation adds a Laplacian. The inverse of that
matrix is the metric of a descent that gets in ten iterations where plain descent gets in thirty. The
damping leaves alone what no channel sees.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import pi
from typing import Any

from lensfree.arrays import array_namespace, irfft2, rfft2


def weak_sample_metric(
    transfers: Any,
    wavelengths_nm: Sequence[float],
    *,
    nm_per_unit: float,
    damping: float,
    roughness: tuple[float, float],
) -> Callable[[Any], Any]:
    """Return the map from a gradient (2, y, x) to a direction of the same shape.

    Args:
        transfers: transfer functions (channel, y, x) in FFT order, 1 at zero frequency.
        wavelengths_nm: one per channel.
        nm_per_unit: OPD of one unit of the first unknown.
        damping: added to the curvature; the curvature of absorption at long periods is 2.
        roughness: curvature of the regularisers of OPD and absorption per squared step between pixels.
    """
    xp = array_namespace(transfers)
    shape_yx = transfers.shape[-2:]
    half = shape_yx[1] // 2 + 1
    steps = [4 * xp.sin(pi * xp.fft.fftfreq(n)) ** 2 for n in shape_yx]
    laplacian = (steps[0][:, None] + steps[1][None, :])[:, :half]
    by_opd, by_absorption = (damping + weight * laplacian for weight in roughness)
    by_both = 0.0
    for transfer, wavelength_nm in zip(transfers, wavelengths_nm, strict=True):
        # T(f) T(-f) = E^2 exp(2 i chi): the phase ramp of the lateral shift cancels.
        twice = (transfer * xp.roll(transfer[::-1, ::-1], (1, 1), axis=(0, 1)))[:, :half]
        power = abs(twice)
        rad_per_unit = 2 * pi * nm_per_unit / wavelength_nm
        by_opd = by_opd + rad_per_unit**2 * (power - twice.real) / len(wavelengths_nm)
        by_absorption = by_absorption + (power + twice.real) / len(wavelengths_nm)
        by_both = by_both + rad_per_unit * twice.imag / len(wavelengths_nm)
    determinant = by_opd * by_absorption - by_both**2
    inverse = [(m / determinant).astype(xp.float32) for m in (by_absorption, -by_both, by_opd)]

    def apply(gradient: Any) -> Any:
        opd, absorption = rfft2(gradient)
        mixed = xp.stack(
            [inverse[0] * opd + inverse[1] * absorption, inverse[1] * opd + inverse[2] * absorption]
        )
        return irfft2(mixed, shape_yx).astype(gradient.dtype)

    return apply
