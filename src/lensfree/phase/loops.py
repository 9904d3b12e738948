"""Compiled loops over the rows [first, end) of an image: the CPU side of `pointwise` and `blockwise`.

Each releases the interpreter lock, so that slabs of rows run on several threads, and returns what it
sums, in float64 (0 where it sums nothing).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

compiled: Any = njit(nogil=True, fastmath=True, cache=True, error_model="numpy")


@compiled
def transmittance(first, end, opd, absorption, rad_per_unit, field):  # type: ignore[no-untyped-def]
    """exp(-absorption + i phase), modulus and phase apart."""
    for y in range(first, end):
        for x in range(opd.shape[1]):
            modulus = np.exp(-absorption[y, x])
            phase = rad_per_unit * opd[y, x]
            field[y, x] = complex(modulus * np.cos(phase), modulus * np.sin(phase))
    return 0.0


@compiled
def filter_spectrum(first, end, spectrum, transfer, is_adjoint):  # type: ignore[no-untyped-def]
    """Multiply in place by the transfer function or its conjugate."""
    for y in range(first, end):
        for x in range(spectrum.shape[1]):
            value = spectrum[y, x]
            factor = transfer[y, x]
            re, im = factor.real, factor.imag
            if is_adjoint:
                im = -im
            spectrum[y, x] = complex(value.real * re - value.imag * im, value.real * im + value.imag * re)
    return 0.0


@compiled
def mix_spectra(pair, first, both, second):  # type: ignore[no-untyped-def]
    """Multiply a pair of spectra (2, y, x) by a symmetric real 2 x 2 matrix per frequency, in place."""
    for y in range(pair.shape[1]):
        for x in range(pair.shape[2]):
            one = pair[0, y, x]
            two = pair[1, y, x]
            pair[0, y, x] = first[y, x] * one + both[y, x] * two
            pair[1, y, x] = both[y, x] * one + second[y, x] * two
    return 0.0


@compiled
def amplitude_residual(first, end, field, amplitude):  # type: ignore[no-untyped-def]
    """Overwrite the field with the residual; return the sum of squares."""
    total = 0.0
    for y in range(first, end):
        row = 0.0
        for x in range(field.shape[1]):
            value = field[y, x]
            recorded = amplitude[y, x]
            modulus = np.sqrt(value.real * value.real + value.imag * value.imag)
            error = modulus - recorded if recorded >= 0 else min(modulus + recorded, modulus * 0)
            row += error * error
            field[y, x] = value * (2 * error / max(modulus, modulus * 0 + 1e-12))
        total += row
    return total


@compiled
def gain_sums(first, end, field, amplitude):  # type: ignore[no-untyped-def]
    """Sums of measured times modelled modulus, and of the latter's square, over measured pixels."""
    both = 0.0
    own = 0.0
    for y in range(first, end):
        for x in range(field.shape[1]):
            recorded = amplitude[y, x]
            if recorded > 1e-15:
                value = field[y, x]
                square = value.real * value.real + value.imag * value.imag
                both += recorded * np.sqrt(square)
                own += square
    return both, own


@compiled
def add_gradient(first, end, transmitted, back, opd_scale, scale, gradient):  # type: ignore[no-untyped-def]
    """Chain rule through the transmittance."""
    for y in range(first, end):
        for x in range(transmitted.shape[1]):
            t = transmitted[y, x]
            g = back[y, x]
            gradient[0, y, x] += opd_scale * (t.real * g.imag - t.imag * g.real)
            gradient[1, y, x] -= scale * (t.real * g.real + t.imag * g.imag)
    return 0.0


@compiled
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


@compiled
def _add_penalties_of_row(image, gradient, y, negative_weight, square_weight):  # type: ignore[no-untyped-def]
    """Add the gradient of the penalties on negative and on all values; return their sum."""
    row = 0.0
    for x in range(image.shape[1]):
        below = min(image[y, x], image[y, x] * 0)
        square = image[y, x] * image[y, x]
        relief = 1 / (1 + square)
        row += negative_weight * below * below + square_weight * square * relief
        gradient[y, x] += 2 * negative_weight * below + 2 * square_weight * image[y, x] * relief * relief
    return row


@compiled
def add_regulariser(  # type: ignore[no-untyped-def]
    first, end, image, gradient, tv_weight, tv_eps, negative_weight, square_weight
):
    """Gather form: each pixel takes from itself, its left and its upper neighbour, so slabs never meet."""
    ny, nx = image.shape
    above_y = np.empty(nx, image.dtype)
    unit_y = np.empty(nx, image.dtype)
    unit_x = np.empty(nx, image.dtype)
    _unit_steps(image, first - 1 if first > 0 else ny - 1, tv_eps, above_y, unit_x)
    variation = 0.0
    penalty = 0.0
    for y in range(first, end):
        variation += _unit_steps(image, y, tv_eps, unit_y, unit_x)
        gradient[y, 0] += tv_weight * (above_y[0] - unit_y[0] + unit_x[nx - 1] - unit_x[0])
        for x in range(1, nx):
            gradient[y, x] += tv_weight * (above_y[x] - unit_y[x] + unit_x[x - 1] - unit_x[x])
        penalty += _add_penalties_of_row(image, gradient, y, negative_weight, square_weight)
        above_y, unit_y = unit_y, above_y
    return tv_weight * variation + penalty


@compiled
def add_penalties(first, end, image, gradient, negative_weight, square_weight):  # type: ignore[no-untyped-def]
    """Do the same without total variation, which costs most of the time."""
    total = 0.0
    for y in range(first, end):
        total += _add_penalties_of_row(image, gradient, y, negative_weight, square_weight)
    return total


@compiled
def axpy(first, end, factor, source, target):  # type: ignore[no-untyped-def]
    """Add factor times source to target."""
    for plane in range(source.shape[0]):
        for y in range(first, end):
            for x in range(source.shape[2]):
                target[plane, y, x] += factor * source[plane, y, x]
    return 0.0


@compiled
def dot(first, end, left, right):  # type: ignore[no-untyped-def]
    """Inner product."""
    total = 0.0
    for plane in range(left.shape[0]):
        for y in range(first, end):
            row = 0.0
            for x in range(left.shape[2]):
                row += left[plane, y, x] * right[plane, y, x]
            total += row
    return total
