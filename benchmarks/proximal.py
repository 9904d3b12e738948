"""Accelerated proximal gradient with isotropic total variation whose weight is annealed.

After Gao and Cao, Opt. Lett. 47, 5965 (2022): momentum t / (t + 3), restarted when the objective rises, and
a weight of total variation that falls along a logistic curve, so that the start cannot wrap.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp

import numpy as np
from step_rules import Evaluate, Ledger

from lensfree.phase.pointwise import dot

SHARPNESS = 10.0
"""Slope of the logistic curve over the whole descent."""

DUAL_ITERATIONS = 5
ROUNDING = 1e-6


def annealed(first: float, last: float, progress: float) -> float:
    """Return the weight at a progress in [0, 1] on the logistic curve from `first` to `last`."""
    return (first - last) / (1 + exp(SHARPNESS * (progress - 0.5))) + last


def variation(image: np.ndarray) -> float:
    """Return the isotropic total variation of a map (y, x) on a periodic grid."""
    steps = _differences(image)
    return float(np.sqrt(np.sum(steps * steps, axis=0)).sum(dtype=np.float64))


def tv_prox(
    image: np.ndarray, weight: float, dual: np.ndarray | None = None, iterations: int = DUAL_ITERATIONS
) -> tuple[np.ndarray, np.ndarray]:
    """Return the minimiser of |x - image|^2 / 2 + weight TV(x), and its dual.

    Fast gradient projection of Beck and Teboulle, IEEE Trans. Image Process. 18, 2419 (2009), on a
    periodic grid.

    Args:
        image: real (y, x).
        weight: of the total variation.
        dual: (2, y, x) of an earlier call, to start from.
        iterations: on the dual; a few are enough when it starts near.
    """
    dual = np.zeros((2, *image.shape), image.dtype) if dual is None else dual
    if weight <= 0:
        return image.copy(), dual
    ahead, pace = dual, 1.0
    for _ in range(iterations):
        stepped = ahead + _differences(image - weight * _transposed(ahead)) / image.dtype.type(8 * weight)
        stepped /= np.maximum(np.sqrt(np.sum(stepped * stepped, axis=0)), 1)
        next_pace = (1 + (1 + 4 * pace * pace) ** 0.5) / 2
        ahead = stepped + image.dtype.type((pace - 1) / next_pace) * (stepped - dual)
        dual, pace = stepped, next_pace
    return image - image.dtype.type(weight) * _transposed(dual), dual


@dataclass(frozen=True)
class Base:
    """A point with the value and the gradient of the smooth part, and the total variation of each plane."""

    unknowns: np.ndarray
    value: float
    variations: tuple[float, ...]
    gradient: np.ndarray

    def total(self, weights: list[float]) -> float:
        """Return the objective with the present weights of total variation."""
        return self.value + sum(w * v for w, v in zip(weights, self.variations, strict=True))

    def bounds(self, other: Base, step: float) -> bool:
        """Return whether the parabola of curvature 1 / step through here lies above the other's value."""
        move = other.unknowns - self.unknowns
        bound = self.value + dot(self.gradient, move) + dot(move, move) / (2 * step)
        return other.value <= bound + ROUNDING * abs(self.value)


def accelerated_proximal(
    start: np.ndarray,
    evaluate: Evaluate,
    ledger: Ledger,
    *,
    iterations: int,
    tv_weights: tuple[float, ...],
    first_over_last: float = 1.0,
    step: float = 0.5,
) -> None:
    """Minimise evaluate() + sum over planes of tv_weights TV(plane).

    The objective is compared at the points where the gradient is needed anyway, so that the test costs
    no FFT. If it rises with momentum, momentum is dropped; if a step without it shows that the smooth part
    is more curved than 1 / step, the step is halved. Total variation has no say in the latter: a few dual
    iterations leave it a little too high, which no shorter step would mend.

    Args:
        start: real (plane, y, x); not changed.
        evaluate: value and gradient of the smooth part.
        ledger: told every iterate.
        iterations: how long the annealing lasts, and the descent.
        tv_weights: one per plane, at the end.
        first_over_last: weights at the beginning over those at the end.
        step: in gradients.
    """
    point = ahead = start
    duals: list[np.ndarray | None] = [None] * len(start)
    base: Base | None = None
    age = 0
    for index in range(iterations):
        factor = annealed(first_over_last, 1.0, index / iterations)
        weights = [w * factor for w in tv_weights]
        value, gradient = evaluate(ahead)
        found = Base(ahead, value, tuple(variation(plane) for plane in ahead), gradient)
        if base is not None and ahead is not point and found.total(weights) > base.total(weights):
            ahead, age = point, 0
            continue
        if base is not None and ahead is point and not base.bounds(found, step):
            step /= 2
        else:
            base = found
        before = point
        lowered = base.unknowns - base.gradient.dtype.type(step) * base.gradient
        planes = [tv_prox(p, step * w, dual) for p, w, dual in zip(lowered, weights, duals, strict=True)]
        point = np.stack([plane for plane, _ in planes])
        duals = [dual for _, dual in planes]
        ahead = point
        if base is found and age:
            ahead = point + point.dtype.type(age / (age + 3)) * (point - before)
        age = age + 1 if base is found else 0
        ledger.reach(point)


def _differences(image: np.ndarray) -> np.ndarray:
    """Return the forward differences (2, y, x) of a periodic map."""
    return np.stack([np.roll(image, -1, axis=0) - image, np.roll(image, -1, axis=1) - image])


def _transposed(steps: np.ndarray) -> np.ndarray:
    """Return the transpose of `_differences` of (2, y, x): minus the divergence."""
    return np.roll(steps[0], 1, axis=0) - steps[0] + np.roll(steps[1], 1, axis=1) - steps[1]
