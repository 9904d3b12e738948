"""The misfit in whole fields, all channels at once: as a GPU likes it. On the CPU `blockwise` does the same.

Everything is array expressions that NumPy understands as well, which is how the tests hold the two to the
same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lensfree.arrays import array_namespace, fft2, ifft2
from lensfree.phase import expressions

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
    transmitted, field = fields(transfers, rad_per_unit, unknowns)
    residual, total = expressions.amplitude_residual(field, amplitude)
    back = fft2(residual, overwrite=True)
    back *= transfers.conj()
    back = ifft2(back, overwrite=True)
    expressions.add_gradient(transmitted, back, _column(unknowns, rad_per_unit), gradient)
    return total


def misfit(
    amplitude: Any, transfers: Any, rad_per_unit: Sequence[float], unknowns: Any, space: None = None
) -> float:
    """Return the sum of squared errors over pixels and channels."""
    return expressions.amplitude_residual(fields(transfers, rad_per_unit, unknowns)[1], amplitude)[1]


def gains(
    amplitude: Any, transfers: Any, rad_per_unit: Sequence[float], unknowns: Any, space: None = None
) -> list[float]:
    """Return per channel the factor by which the measured amplitudes exceed the model's, bounds left out."""
    found = []
    for measured, field in zip(amplitude, fields(transfers, rad_per_unit, unknowns)[1], strict=True):
        modulus = abs(field)
        own = (measured > NOTHING) * modulus
        found.append(float((measured * own).sum() / (modulus * own).sum()))
    return found


def fields(transfers: Any, rad_per_unit: Sequence[float], unknowns: Any) -> tuple[Any, Any]:
    """Return the transmittance of the sample and the field on the sensor, both (channel, y, x)."""
    transmitted = expressions.transmittance(unknowns[0], unknowns[1], _column(unknowns, rad_per_unit))
    spectrum = fft2(transmitted)
    spectrum *= transfers
    return transmitted, ifft2(spectrum, overwrite=True)


def _column(unknowns: Any, rad_per_unit: Sequence[float]) -> Any:
    """Return the factors as an array (channel, 1, 1) of the unknowns' type."""
    return array_namespace(unknowns).asarray(list(rad_per_unit), dtype=unknowns.dtype)[:, None, None]
