"""The passes over pixels as plain array expressions: what `kernels` computes on a GPU, to be read.

They run on NumPy as well, which is how the tests compare them with the compiled loops, and on CuPy where
the kernels cannot.
"""

from __future__ import annotations

from typing import Any

from lensfree.arrays import array_namespace


def transmittance(opd: Any, absorption: Any, rad_per_unit: Any) -> Any:
    """Return exp(-absorption + i rad_per_unit opd), complex; shapes broadcast."""
    xp = array_namespace(opd)
    return xp.exp(1j * (rad_per_unit * opd) - absorption)


def filter_spectrum(spectrum: Any, transfers: Any, scale: float, is_adjoint: bool) -> None:
    """Multiply a spectrum in place by the transfer functions, or their conjugates, and by a number."""
    spectrum *= transfers.conj() if is_adjoint else transfers
    spectrum *= spectrum.real.dtype.type(scale)


def amplitude_residual(field: Any, amplitude: Any) -> tuple[Any, float]:
    """Return 2 e U / |U| and the sum of e^2, with e = |U| - s, or min(|U| - s, 0) where s is a bound.

    Args:
        field: complex; may be overwritten by the result.
        amplitude: square root s of the recorded intensity; -s where the light was at least that.
    """
    xp = array_namespace(field)
    modulus = xp.abs(field)
    error = _error(modulus, amplitude)
    total = float(xp.sum(error * error, dtype=xp.float64))
    return (2 * error / xp.maximum(modulus, 1e-12)) * field, total


def squared_error(field: Any, amplitude: Any) -> float:
    """Return the sum of e^2 of `amplitude_residual` alone."""
    xp = array_namespace(field)
    error = _error(xp.abs(field), amplitude)
    return float(xp.sum(error * error, dtype=xp.float64))


def add_gradient(opd: Any, absorption: Any, back: Any, rad_per_unit: Any, gradient: Any) -> None:
    """Add the chain rule through the transmittances t (channel, y, x) to a gradient (2, y, x).

    With g the back-propagated residual the means over channels of rad_per_unit Im(conj(t) g) and of
    -Re(conj(t) g) are added.
    """
    product = transmittance(opd, absorption, rad_per_unit).conj() * back
    gradient[0] += (rad_per_unit * product.imag).mean(axis=0)
    gradient[1] -= product.real.mean(axis=0)


def add_regulariser(
    image: Any, gradient: Any, tv_weight: Any, tv_eps: Any, negative_weight: Any, square_weight: Any
) -> float:
    """See `pointwise.add_regulariser`."""
    xp = array_namespace(image)
    step_y, step_x = _differences(image)
    size = xp.sqrt(step_y**2 + step_x**2 + tv_eps**2)
    below = xp.minimum(image, 0)
    relief = 1 / (1 + image * image)
    penalty = tv_weight * (size - tv_eps) + negative_weight * below**2 + square_weight * image**2 * relief
    step_y /= size
    step_x /= size
    gradient += tv_weight * _transposed(step_y, step_x)
    gradient += 2 * negative_weight * below + 2 * square_weight * image * relief**2
    return float(xp.sum(penalty, dtype=xp.float64))


def axpy(factor: Any, source: Any, target: Any) -> None:
    """See `pointwise.axpy`."""
    target += factor * source


def dot(left: Any, right: Any) -> float:
    """See `pointwise.dot`."""
    xp = array_namespace(left)
    return float(xp.sum(left * right, dtype=xp.float64))


def variation(image: Any) -> float:
    """See `pointwise.variation`."""
    xp = array_namespace(image)
    step_y, step_x = _differences(image)
    return float(xp.sum(xp.sqrt(step_y**2 + step_x**2), dtype=xp.float64))


def dual_step(image: Any, weight: Any, pace: Any, dual: Any, stepped: Any) -> None:
    """See `pointwise.dual_step`."""
    xp = array_namespace(image)
    step_y, step_x = _differences(image - weight * _transposed(dual[0], dual[1]))
    stepped[0] = dual[0] + pace * step_y
    stepped[1] = dual[1] + pace * step_x
    stepped /= xp.maximum(xp.sqrt(stepped[0] ** 2 + stepped[1] ** 2), 1)


def move_on(image: Any, weight: Any, dual: Any, momentum: Any, point: Any, ahead: Any) -> None:
    """See `pointwise.move_on`."""
    reached = image - weight * _transposed(dual[0], dual[1])
    ahead[...] = reached + momentum * (reached - point)
    point[...] = reached


def mix_spectra(pair: Any, first: Any, both: Any, second: Any) -> None:
    """Multiply a pair of spectra (2, y, x) by a symmetric real 2 x 2 matrix per frequency, in place."""
    one, two = pair[0].copy(), pair[1].copy()
    pair[0] = first * one + both * two
    pair[1] = both * one + second * two


def _error(modulus: Any, amplitude: Any) -> Any:
    xp = array_namespace(modulus)
    return xp.where(amplitude < 0, xp.minimum(modulus + amplitude, 0), modulus - amplitude)


def _differences(image: Any) -> tuple[Any, Any]:
    """Return the forward differences of a periodic map, down and across."""
    xp = array_namespace(image)
    return xp.roll(image, -1, axis=0) - image, xp.roll(image, -1, axis=1) - image


def _transposed(step_y: Any, step_x: Any) -> Any:
    """Return the transpose of `_differences`: minus the divergence."""
    xp = array_namespace(step_y)
    return xp.roll(step_y, 1, axis=0) - step_y + xp.roll(step_x, 1, axis=1) - step_x
