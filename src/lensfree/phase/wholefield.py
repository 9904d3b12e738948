"""The misfit in whole fields, all channels at once: as a GPU likes it. On the CPU `blockwise` does the same.

Between the transforms `kernels` does the passes over pixels on the device; elsewhere they are array
expressions, which is how the tests hold all ways to the same numbers.

Transforms are one batch over the channels, in place. CuPy keeps their plans, up to 16 for each thread, so
frames of one size plan once: the three that a retrieval uses (complex, and both ways of the real pair of
unknowns) are kept with their work areas. The inverse leaves its scale to the pass before it.

Memory on the device for 3000 x 4096 pixels and 3 channels, computed (GB, 1e9 bytes):

    the field being transformed 0.29, the work area of its plan at most as much                 0.59
    transfer functions 0.29, amplitudes 0.15 and once more while they are set level             0.59
    intensity and saturated pixels of the 2748 x 3840 recorded                                  0.16
    unknowns, gradient, direction, trial, its gradient, their change: 6 pairs of maps of 0.10   0.59
    history of the descent: 4 moves and 4 changes                                               0.79
    metric: 3 half spectra of 0.025, a pair of complex ones 0.10, work areas of real plans 0.20 0.37
    sum                                                                                         3.09

A test traces the arrays of a whole retrieval on a stand-in for CuPy: 200 bytes per pixel at most, 2.5 GB
here, to which the work areas come. Making the transfer functions, in double precision, peaks at 1.7 GB
before the descent begins. A CNN of 16 features holds them once in bfloat16 and once in single precision
at most, 1.0 GB, in torch's own pool, and what cuDNN asks for. 8 GB hold both pools side by side.

The descent decides on the host after every evaluation, so there is no CUDA graph: it would have to be
captured anew for the few launches in between, each of microseconds before passes of tenths of a
millisecond.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lensfree.arrays import array_namespace, fft2, ifft2
from lensfree.phase.kernels import passes

NOTHING = 1e-15
"""Amplitudes nearer to 0 are those of pixels that were not recorded."""


def add_misfit(
    amplitude: Any,
    transfers: Any,
    rad_per_unit: Sequence[float],
    unknowns: Any,
    gradient: Any,
    space: None = None,
) -> float:
    """Add the gradient of the misfit over the number of channels; return the sum of squared errors.

    Args:
        amplitude: (channel, y, x), as of the objective.
        transfers: (channel, y, x).
        rad_per_unit: phase of one unit of OPD, per channel.
        unknowns: OPD and absorption (2, y, x).
        gradient: (2, y, x), added to in place.
        space: buffers of `blockwise`; none here.
    """
    by = passes(amplitude, transfers, unknowns, gradient)
    residual, total = by.amplitude_residual(sensor_field(transfers, rad_per_unit, unknowns), amplitude)
    back = _filtered(by, residual, transfers, is_adjoint=True)
    by.add_gradient(unknowns[0], unknowns[1], back, _column(unknowns, rad_per_unit), gradient)
    return float(total)


def misfit(
    amplitude: Any, transfers: Any, rad_per_unit: Sequence[float], unknowns: Any, space: None = None
) -> float:
    """Return the sum of squared errors over pixels and channels."""
    by = passes(amplitude, transfers, unknowns)
    return float(by.squared_error(sensor_field(transfers, rad_per_unit, unknowns), amplitude))


def gains(
    amplitude: Any, transfers: Any, rad_per_unit: Sequence[float], unknowns: Any, space: None = None
) -> list[float]:
    """Return per channel the factor by which the measured amplitudes exceed the model's, bounds left out."""
    found = []
    for measured, field in zip(amplitude, sensor_field(transfers, rad_per_unit, unknowns), strict=True):
        modulus = abs(field)
        own = (measured > NOTHING) * modulus
        found.append(float((measured * own).sum() / (modulus * own).sum()))
    return found


def sensor_field(transfers: Any, rad_per_unit: Sequence[float], unknowns: Any) -> Any:
    """Return the field on the sensor (channel, y, x), a new array."""
    by = passes(transfers, unknowns)
    transmitted = by.transmittance(unknowns[0], unknowns[1], _column(unknowns, rad_per_unit))
    return _filtered(by, transmitted, transfers, is_adjoint=False)


def _filtered(by: Any, field: Any, transfers: Any, *, is_adjoint: bool) -> Any:
    """Return a field times the transfer functions, or their conjugates, in place where the FFT allows."""
    spectrum = fft2(field, overwrite=True)
    by.filter_spectrum(spectrum, transfers, 1 / (field.shape[-2] * field.shape[-1]), is_adjoint)
    return ifft2(spectrum, overwrite=True, is_scaled=False)


def _column(unknowns: Any, rad_per_unit: Sequence[float]) -> Any:
    """Return the factors as an array (channel, 1, 1) of the unknowns' type."""
    return array_namespace(unknowns).asarray(list(rad_per_unit), dtype=unknowns.dtype)[:, None, None]
