"""Passes over the unknowns between two evaluations, for either array library.

NumPy arrays go to compiled loops (`loops`), cut into slabs of rows with one thread each; CuPy arrays go
to compiled kernels (`kernels`). Tests hold both to the numbers of `expressions`.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import prod
from typing import Any

from lensfree.arrays import cpu_count, is_cupy
from lensfree.phase import loops, tv_loops
from lensfree.phase.kernels import passes

SMALLEST_SLAB_PX = 100_000
"""Starting a thread costs about as much as a pass over this many pixels."""


def add_regulariser(
    image: Any,
    gradient: Any,
    *,
    tv_weight: float,
    tv_eps: float,
    negative_weight: float,
    square_weight: float,
) -> float:
    """Add the gradient of the regulariser of one map and return its value.

    The value is the sum over pixels of tv_weight (sqrt(|D image|^2 + eps^2) - eps), with forward
    differences D on a periodic grid, plus negative_weight min(image, 0)^2, plus
    square_weight image^2 / (1 + image^2), which pulls small values to zero and leaves large ones alone.

    Args:
        image: real (y, x).
        gradient: real (y, x); added to in place.
        tv_weight: weight of the hyperbolic total variation.
        tv_eps: step below which variation counts quadratically; in units of the image.
        negative_weight: weight of the penalty on negative values.
        square_weight: weight of the saturating penalty on all values.
    """
    weights = [image.dtype.type(value) for value in (tv_weight, tv_eps, negative_weight, square_weight)]
    if is_cupy(image):
        return float(passes(image, gradient).add_regulariser(image, gradient, *weights))
    if tv_weight == 0:
        return _by_slabs(loops.add_penalties, image.shape, image, gradient, *weights[2:])
    return _by_slabs(loops.add_regulariser, image.shape, image, gradient, *weights)


def variation(image: Any) -> float:
    """Return the isotropic total variation of a map (y, x) on a periodic grid, summed in float64."""
    if is_cupy(image):
        return float(passes(image).variation(image))
    return _by_slabs(tv_loops.variation, image.shape, image)


def dual_step(image: Any, weight: float, pace: float, dual: Any, stepped: Any) -> None:
    """Take one projected gradient step on the dual of |x - image|^2 / 2 + weight TV(x).

    Chambolle, J. Math. Imaging Vis. 20, 89 (2004), in the projected form: with forward differences D on a
    periodic grid, p becomes (p + pace D(image - weight D^T p)) / max(1, its length).

    Args:
        image: real (y, x).
        weight: of the total variation.
        pace: up to 1 / (4 weight).
        dual: (2, y, x), vectors no longer than 1, down and across.
        stepped: (2, y, x), overwritten by the new dual.
    """
    factors = image.dtype.type(weight), image.dtype.type(pace)
    if is_cupy(image):
        passes(image, dual, stepped).dual_step(image, *factors, dual, stepped)
    else:
        _by_slabs(tv_loops.dual_step, image.shape, image, *factors, dual, stepped)


def move_on(image: Any, weight: float, dual: Any, momentum: float, point: Any, ahead: Any) -> None:
    """Put x = image - weight D^T dual into `point` and x + momentum (x - point) into `ahead`, all (y, x)."""
    weight, momentum = image.dtype.type(weight), image.dtype.type(momentum)
    if is_cupy(image):
        passes(image, dual, point, ahead).move_on(image, weight, dual, momentum, point, ahead)
    else:
        _by_slabs(tv_loops.move_on, image.shape, image, weight, dual, momentum, point, ahead)


def axpy(factor: float, source: Any, target: Any) -> None:
    """Add factor times source to target (plane, y, x) in place."""
    arguments = (target.dtype.type(factor), source, target)
    if is_cupy(target):
        passes(source, target).axpy(*arguments)
    else:
        _by_slabs(loops.axpy, source.shape, *arguments)


def dot(left: Any, right: Any) -> float:
    """Return the inner product of two real arrays (plane, y, x), summed in float64."""
    if is_cupy(left):
        return float(passes(left, right).dot(left, right))
    return _by_slabs(loops.dot, left.shape, left, right)


def _by_slabs(loop: Callable[..., float], shape: tuple[int, ...], *arguments: Any) -> float:
    """Run loop(first_row, end_row, ...) over all rows, on several threads if it pays; add the results.

    The pool lives for one call: a lasting one would hang a process that forks after first use.
    """
    rows = shape[-2]
    slabs = max(1, min(cpu_count(), prod(shape) // SMALLEST_SLAB_PX, rows))
    if slabs == 1:
        return float(loop(0, rows, *arguments))
    edges = [rows * index // slabs for index in range(slabs + 1)]
    with ThreadPoolExecutor(slabs) as pool:
        parts = [pool.submit(loop, edges[i], edges[i + 1], *arguments) for i in range(slabs)]
        return float(sum(part.result() for part in parts))
