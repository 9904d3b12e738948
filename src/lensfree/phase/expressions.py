"""The passes over pixels as plain array expressions: the CuPy side of `pointwise`.

They run on NumPy as well, which is how the tests compare them with the compiled loops.
"""

from __future__ import annotations

from typing import Any

from lensfree.arrays import array_namespace


def transmittance(opd: Any, absorption: Any, rad_per_unit: Any) -> Any:
    """See `pointwise.transmittance`."""
    xp = array_namespace(opd)
    return xp.exp(1j * (rad_per_unit * opd) - absorption)


def filter_spectrum(spectrum: Any, transfer: Any, is_adjoint: bool) -> Any:
    """See `pointwise.filter_spectrum`."""
    spectrum *= transfer.conj() if is_adjoint else transfer
    return spectrum


def amplitude_residual(field: Any, amplitude: Any) -> tuple[Any, float]:
    """See `pointwise.amplitude_residual`; leaves the field alone."""
    xp = array_namespace(field)
    modulus = xp.abs(field)
    error = xp.where(amplitude < 0, 0, modulus - amplitude)
    total = float(xp.sum(error * error, dtype=xp.float64))
    return (2 * error / xp.maximum(modulus, 1e-12)) * field, total


def add_gradient(transmitted: Any, back: Any, opd_scale: Any, scale: Any, gradient: Any) -> None:
    """See `pointwise.add_gradient`."""
    product = transmitted.conj() * back
    gradient[0] += opd_scale * product.imag
    gradient[1] -= scale * product.real


def add_regulariser(
    image: Any, gradient: Any, tv_weight: Any, tv_eps: Any, negative_weight: Any, square_weight: Any
) -> float:
    """See `pointwise.add_regulariser`."""
    xp = array_namespace(image)
    step_y = xp.roll(image, -1, axis=0) - image
    step_x = xp.roll(image, -1, axis=1) - image
    size = xp.sqrt(step_y**2 + step_x**2 + tv_eps**2)
    below = xp.minimum(image, 0)
    relief = 1 / (1 + image * image)
    penalty = tv_weight * (size - tv_eps) + negative_weight * below**2 + square_weight * image**2 * relief
    step_y /= size
    step_x /= size
    gradient += tv_weight * (xp.roll(step_y, 1, axis=0) - step_y + xp.roll(step_x, 1, axis=1) - step_x)
    gradient += 2 * negative_weight * below + 2 * square_weight * image * relief**2
    return float(xp.sum(penalty, dtype=xp.float64))


def axpy(factor: Any, source: Any, target: Any) -> None:
    """See `pointwise.axpy`."""
    target += factor * source


def dot(left: Any, right: Any) -> float:
    """See `pointwise.dot`."""
    xp = array_namespace(left)
    return float(xp.sum(left * right, dtype=xp.float64))
