"""Limited-memory BFGS for large maps on either array library, sparing with evaluations.

Two-loop recursion of Nocedal & Wright, Numerical Optimization, algorithm 7.4. An evaluation costs four
FFTs per channel, so the line search only backtracks (Armijo) and almost always takes its first step.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lensfree.phase.pointwise import axpy, dot

HISTORY = 4
ARMIJO = 1e-4
MAX_BACKTRACKS = 8


@dataclass(frozen=True)
class Descent:
    """Where a descent ended.

    Attributes:
        unknowns: the minimiser found.
        value: the objective there.
        n_evaluations: how often value and gradient were computed.
    """

    unknowns: Any
    value: float
    n_evaluations: int


def descend(
    start: Any,
    value_and_gradient: Callable[[Any], tuple[float, Any]],
    *,
    iterations: int,
    first_step: float = 0.5,
    metric: Callable[[Any], Any] | None = None,
) -> Descent:
    """Minimise a function of one array by L-BFGS.

    Args:
        start: real array (plane, y, x); not changed.
        value_and_gradient: callable that returns the value and an array like `start`.
        iterations: how many steps to take; fewer when no step lowers the value.
        first_step: length of the first trial step in units of the gradient: about the inverse of the
            curvature.
        metric: an estimate of the inverse Hessian, applied to the gradient; then the first step has
            length 1. None stands for a multiple of the identity.

    Returns:
        The end of the descent; its value never exceeds that of the start.
    """
    unknowns = start.copy()
    value, gradient = value_and_gradient(unknowns)
    n_evaluations = 1
    pairs: deque[tuple[Any, Any, float]] = deque(maxlen=HISTORY)
    for _ in range(iterations):
        direction = _direction(gradient, pairs, first_step, metric)
        slope = dot(direction, gradient)
        if slope >= 0:  # rounding broke the curvature pairs: start again from the gradient
            pairs.clear()
            direction = _direction(gradient, pairs, first_step, metric)
            slope = dot(direction, gradient)
            if slope >= 0:
                break
        step = 1.0
        for _ in range(MAX_BACKTRACKS):
            trial = unknowns.copy()
            axpy(step, direction, trial)
            trial_value, trial_gradient = value_and_gradient(trial)
            n_evaluations += 1
            if trial_value <= value + ARMIJO * step * slope:
                break
            step *= _backtrack(value, slope, step, trial_value)
        else:
            break
        move = direction
        move *= move.dtype.type(step)
        change = trial_gradient - gradient
        curvature = dot(move, change)
        if curvature > 1e-10 * dot(change, change):
            pairs.append((move, change, curvature))
        unknowns, value, gradient = trial, trial_value, trial_gradient
    return Descent(unknowns, value, n_evaluations)


def _direction(
    gradient: Any,
    pairs: deque[tuple[Any, Any, float]],
    first_step: float,
    metric: Callable[[Any], Any] | None,
) -> Any:
    """Return minus the inverse Hessian estimate times the gradient."""
    direction = gradient.copy()
    factors = []
    for move, change, curvature in reversed(pairs):
        factor = dot(move, direction) / curvature
        axpy(-factor, change, direction)
        factors.append(factor)
    if metric is not None:
        direction = metric(direction)
        scale = pairs[-1][2] / dot(pairs[-1][1], metric(pairs[-1][1])) if pairs else 1.0
    else:
        scale = pairs[-1][2] / dot(pairs[-1][1], pairs[-1][1]) if pairs else first_step
    direction *= direction.dtype.type(-scale)
    for (move, change, curvature), factor in zip(pairs, reversed(factors), strict=True):
        axpy(-factor - dot(change, direction) / curvature, move, direction)
    return direction


def _backtrack(value: float, slope: float, step: float, trial_value: float) -> float:
    """Return the factor to the minimum of the parabola through both values, kept within [0.1, 0.5]."""
    bend = trial_value - value - step * slope
    factor = -slope * step / (2 * bend) if bend > 0 else 0.5
    return min(max(factor, 0.1), 0.5)
