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

import numpy as np
import scipy.fft

from lensfree.arrays import array_namespace, irfft2, is_cupy, rfft2
from lensfree.phase import loops
from lensfree.phase.blocks import threads
from lensfree.phase.kernels import passes


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
        if not is_cupy(gradient):
            return _apply_blockwise(inverse, gradient)
        spectra = rfft2(gradient)
        passes(spectra, *inverse).mix_spectra(spectra, *inverse)
        return irfft2(spectra, shape_yx, overwrite=True).astype(gradient.dtype, copy=False)

    return apply


def _apply_blockwise(inverse: Sequence[np.ndarray], gradient: np.ndarray) -> np.ndarray:
    """Do the same in three passes over memory: rows, columns with the matrix, rows; see `blockwise`."""
    _, ny, nx = gradient.shape
    half = nx // 2 + 1
    spectra = np.empty((2, ny, half), np.result_type(gradient.dtype, np.complex64))
    direction = np.empty_like(gradient)

    def forth(rows: slice) -> float:
        spectra[:, rows] = scipy.fft.rfft(gradient[:, rows], axis=2)
        return 0.0

    def mix(columns: slice) -> float:
        block = spectra[:, :, columns].copy()
        scipy.fft.fft(block, axis=1, overwrite_x=True)
        loops.mix_spectra(block, *(weights[:, columns] for weights in inverse))
        scipy.fft.ifft(block, axis=1, overwrite_x=True)
        spectra[:, :, columns] = block
        return 0.0

    def back(rows: slice) -> float:
        direction[:, rows] = scipy.fft.irfft(spectra[:, rows], n=nx, axis=2)
        return 0.0

    with threads((ny, nx)) as share:
        line = 2 * spectra.itemsize
        share(forth, ny, half * line)
        share(mix, half, ny * line)
        share(back, ny, half * line)
    return direction
