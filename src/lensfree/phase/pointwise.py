"""The passes over pixels that cost as much as the FFTs: fused loops for NumPy, plain expressions for CuPy.

Every public function exists once for both libraries and agrees between them; a test says so. On the
CPU an array is cut into slabs of rows, one thread each, because the compiled loops release the lock.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numba import njit

from lensfree.arrays import array_namespace, cpu_count, is_cupy

SMALLEST_SLAB_PX = 100_000


def transmittance(opd: Any, absorption: Any, rad_per_unit: float) -> Any:
    """Return exp(-absorption + i rad_per_unit opd), complex (y, x)."""
    if is_cupy(opd):
        xp = array_namespace(opd)
        return xp.exp(-absorption + 1j * opd.dtype.type(rad_per_unit) * opd)
    field = np.empty(opd.shape, np.result_type(opd.dtype, np.complex64))
    _by_slabs(_transmittance, opd.shape, opd, absorption, opd.dtype.type(rad_per_unit), field)
    return field


def amplitude_residual(field: Any, amplitude: Any) -> tuple[Any, float]:
    """Return 2 (|U| - s) U / |U| and the sum of (|U| - s)^2 over recorded pixels.

    Args:
        field: complex (y, x); on the CPU it is overwritten with the result.
        amplitude: square root of the recorded intensity s; negative where nothing was recorded.

    Returns:
        The derivative of the sum by the conjugate of the field (times 2), and the sum.
    """
    if is_cupy(field):
        xp = array_namespace(field)
        modulus = xp.abs(field)
        error = xp.where(amplitude < 0, 0, modulus - amplitude)
        total = float(xp.sum(error * error, dtype=xp.float64))
        return 2 * error * field / xp.maximum(modulus, 1e-12), total
    return field, _by_slabs(_amplitude_residual, field.shape, field, amplitude)


def add_gradient(
    transmitted: Any, back_propagated: Any, rad_per_unit: float, scale: float, gradient: Any
) -> None:
    """Add scale dE/dOPD = k Im(conj(t) g) and scale dE/dabsorption = -Re(conj(t) g) to gradient (2, y, x)."""
    real = gradient.dtype.type
    if is_cupy(gradient):
        product = transmitted.conj() * back_propagated
        gradient[0] += real(rad_per_unit * scale) * product.imag
        gradient[1] -= real(scale) * product.real
        return
    _by_slabs(
        _add_gradient,
        transmitted.shape,
        transmitted,
        back_propagated,
        real(rad_per_unit * scale),
        real(scale),
        gradient,
    )


def add_regulariser(
    image: Any, gradient: Any, *, tv_weight: float, tv_eps: float, negative_weight: float
) -> float:
    """Add the gradient of the regulariser of one map and return its value.

    The value is the sum over pixels of tv_weight (sqrt(|D image|^2 + eps^2) - eps), with forward
    differences D on a periodic grid, plus negative_weight min(image, 0)^2.

    Args:
        image: real (y, x).
        gradient: real (y, x); added to in place.
        tv_weight: weight of the hyperbolic total variation.
        tv_eps: step below which variation counts quadratically; in units of the image.
        negative_weight: weight of the penalty on negative values.
    """
    weights = [image.dtype.type(value) for value in (tv_weight, tv_eps, negative_weight)]
    if is_cupy(image):
        return _regulariser_expression(image, gradient, *weights)
    return _by_slabs(_add_regulariser, image.shape, image, gradient, *weights)


def axpy(factor: float, source: Any, target: Any) -> None:
    """Add factor times source to target in place, without a temporary array."""
    factor = target.dtype.type(factor)
    if is_cupy(target):
        target += factor * source
        return
    _by_slabs(_axpy, source.shape, factor, source, target)


def dot(left: Any, right: Any) -> float:
    """Return the inner product of two real arrays, summed in float64."""
    if is_cupy(left):
        xp = array_namespace(left)
        return float(xp.sum(left * right, dtype=xp.float64))
    return _by_slabs(_dot, left.shape, left, right)


def _by_slabs(kernel: Callable[..., float], shape: tuple[int, ...], *arguments: Any) -> float:
    """Run kernel(first_row, end_row, ...) over all rows, on several threads if it pays; add the results."""
    rows = shape[-2]
    slabs = max(1, min(cpu_count(), int(np.prod(shape)) // SMALLEST_SLAB_PX, rows))
    if slabs == 1:
        return float(kernel(0, rows, *arguments))
    edges = [rows * index // slabs for index in range(slabs + 1)]
    with ThreadPoolExecutor(slabs) as pool:
        parts = [pool.submit(kernel, edges[i], edges[i + 1], *arguments) for i in range(slabs)]
        return float(sum(part.result() for part in parts))


def _regulariser_expression(
    image: Any, gradient: Any, tv_weight: Any, tv_eps: Any, negative_weight: Any
) -> float:
    """Array expression of `add_regulariser`; also the reference of its fused loop in the tests."""
    xp = array_namespace(image)
    step_y = xp.roll(image, -1, axis=0) - image
    step_x = xp.roll(image, -1, axis=1) - image
    size = xp.sqrt(step_y**2 + step_x**2 + tv_eps**2)
    below = xp.minimum(image, 0)
    value = tv_weight * xp.sum(size - tv_eps, dtype=xp.float64)
    value += negative_weight * xp.sum(below * below, dtype=xp.float64)
    step_y /= size
    step_x /= size
    gradient += tv_weight * (xp.roll(step_y, 1, axis=0) - step_y + xp.roll(step_x, 1, axis=1) - step_x)
    gradient += 2 * negative_weight * below
    return float(value)


FAST = {"nogil": True, "fastmath": True, "cache": True, "error_model": "numpy"}


@njit(**FAST)
def _transmittance(first, end, opd, absorption, rad_per_unit, field):  # type: ignore[no-untyped-def]
    for y in range(first, end):
        for x in range(opd.shape[1]):
            modulus = np.exp(-absorption[y, x])
            phase = rad_per_unit * opd[y, x]
            field[y, x] = complex(modulus * np.cos(phase), modulus * np.sin(phase))
    return 0.0


@njit(**FAST)
def _amplitude_residual(first, end, field, amplitude):  # type: ignore[no-untyped-def]
    total = 0.0
    for y in range(first, end):
        row = 0.0
        for x in range(field.shape[1]):
            value = field[y, x]
            recorded = amplitude[y, x]
            modulus = np.sqrt(value.real * value.real + value.imag * value.imag)
            error = modulus - recorded if recorded >= 0 else modulus * 0
            row += error * error
            field[y, x] = value * (2 * error / max(modulus, modulus * 0 + 1e-12))
        total += row
    return total


@njit(**FAST)
def _add_gradient(first, end, transmitted, back, opd_scale, scale, gradient):  # type: ignore[no-untyped-def]
    for y in range(first, end):
        for x in range(transmitted.shape[1]):
            t = transmitted[y, x]
            g = back[y, x]
            gradient[0, y, x] += opd_scale * (t.real * g.imag - t.imag * g.real)
            gradient[1, y, x] -= scale * (t.real * g.real + t.imag * g.imag)
    return 0.0


@njit(**FAST)
def _unit_steps(image, y, tv_eps, unit_y, unit_x):  # type: ignore[no-untyped-def]
    """Write the forward differences of row y over their length and return the sum of length - eps."""
    ny, nx = image.shape
    below = y + 1 if y + 1 < ny else 0
    total = 0.0
    for x in range(nx - 1):
        step_y = image[below, x] - image[y, x]
        step_x = image[y, x + 1] - image[y, x]
        size = np.sqrt(step_y * step_y + step_x * step_x + tv_eps * tv_eps)
        unit_y[x] = step_y / size
        unit_x[x] = step_x / size
        total += size - tv_eps
    step_y = image[below, nx - 1] - image[y, nx - 1]
    step_x = image[y, 0] - image[y, nx - 1]
    size = np.sqrt(step_y * step_y + step_x * step_x + tv_eps * tv_eps)
    unit_y[nx - 1] = step_y / size
    unit_x[nx - 1] = step_x / size
    return total + (size - tv_eps)


@njit(**FAST)
def _add_regulariser(first, end, image, gradient, tv_weight, tv_eps, negative_weight):  # type: ignore[no-untyped-def]
    ny, nx = image.shape
    above_y = np.empty(nx, image.dtype)
    unit_y = np.empty(nx, image.dtype)
    unit_x = np.empty(nx, image.dtype)
    _unit_steps(image, first - 1 if first > 0 else ny - 1, tv_eps, above_y, unit_x)
    variation = 0.0
    negative = 0.0
    for y in range(first, end):
        variation += _unit_steps(image, y, tv_eps, unit_y, unit_x)
        row = 0.0
        gradient[y, 0] += tv_weight * (above_y[0] - unit_y[0] + unit_x[nx - 1] - unit_x[0])
        for x in range(1, nx):
            gradient[y, x] += tv_weight * (above_y[x] - unit_y[x] + unit_x[x - 1] - unit_x[x])
        for x in range(nx):
            below = min(image[y, x], image[y, x] * 0)
            row += below * below
            gradient[y, x] += 2 * negative_weight * below
        negative += row
        above_y, unit_y = unit_y, above_y
    return tv_weight * variation + negative_weight * negative


@njit(**FAST)
def _axpy(first, end, factor, source, target):  # type: ignore[no-untyped-def]
    for plane in range(source.shape[0]):
        for y in range(first, end):
            for x in range(source.shape[2]):
                target[plane, y, x] += factor * source[plane, y, x]
    return 0.0


@njit(**FAST)
def _dot(first, end, left, right):  # type: ignore[no-untyped-def]
    total = 0.0
    for plane in range(left.shape[0]):
        for y in range(first, end):
            row = 0.0
            for x in range(left.shape[2]):
                row += left[plane, y, x] * right[plane, y, x]
            total += row
    return total
