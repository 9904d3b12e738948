"""Accelerated proximal gradient: total variation without smoothing, its weight annealed.

Momentum t / (t + 3) that is dropped when the objective rises, and a weight of total variation that falls
along a logistic curve, after Gao and Cao, Opt. Lett. 47, 5965 (2022). docs/decisions/0008 compares it with
other step rules.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp
from typing import Any

from lensfree.arrays import array_namespace
from lensfree.phase.pointwise import axpy, dot, dual_step, move_on, variation

STEP = 0.5
"""First step in gradients: the misfit's curvature is 2 by absorption and about 3 by OPD at most."""

SHARPNESS = 10.0
"""Slope of the logistic curve over the whole descent."""

DUAL_STEPS = 2
"""Per iteration: each goes on from the dual of the last, and more do not help."""

DUAL_PACE = 0.2
"""Times 1 / weight; at 1 / 4 the finest checkerboard would swing on for ever."""

ROUNDING = 1e-6


@dataclass(frozen=True)
class Base:
    """Where a step starts, value and gradient of the smooth part there, and each map's total variation."""

    unknowns: Any
    value: float
    gradient: Any
    variations: tuple[float, ...]

    def total(self, weights: Sequence[float]) -> float:
        """Return the objective with the present weights of total variation."""
        return self.value + sum(w * v for w, v in zip(weights, self.variations, strict=True))

    def bounds(self, other: Base, step: float) -> bool:
        """Return whether the parabola of curvature 1 / step through here lies above the other's value."""
        move = other.unknowns - self.unknowns
        bound = self.value + dot(self.gradient, move) + dot(move, move) / (2 * step)
        return other.value <= bound + ROUNDING * abs(self.value)


def descend_proximal(
    start: Any,
    value_and_gradient: Callable[[Any], tuple[float, Any]],
    *,
    evaluations: int,
    tv_weights: Sequence[float],
    annealing: float = 1.0,
) -> Any:
    """Minimise a smooth function of maps plus sum of tv_weights TV(map), and return the maps.

    The objective is compared where the gradient is needed anyway, so that no evaluation goes into the test.
    If it rises with momentum, momentum is dropped; if a step without it shows that the smooth part is more
    curved than 1 / step, the step is halved. Total variation has no say in the latter: a few dual steps leave
    it a little too high, which no shorter step would mend.

    Args:
        start: real array (map, y, x); not changed.
        value_and_gradient: of the smooth part.
        evaluations: how many to spend; the annealing lasts as long.
        tv_weights: one per map, at the end.
        annealing: weights at the beginning over those at the end.
    """
    point = start.copy()
    ahead = start.copy()
    denoise = Denoiser(start)
    base: Base | None = None
    step, age, momentum = STEP, 0, 0.0
    for index in range(evaluations):
        factor = annealed(annealing, 1.0, index / max(evaluations - 1, 1))
        weights = [weight * factor for weight in tv_weights]
        value, gradient = value_and_gradient(ahead)
        found = Base(ahead, value, gradient, tuple(variation(image) for image in ahead))
        if base is not None and momentum > 0 and found.total(weights) > base.total(weights):
            ahead, age, momentum = point.copy(), 0, 0.0
            continue
        if base is not None and momentum == 0 and not base.bounds(found, step):
            step, age = step / 2, 0
        else:
            base, age = found, age + 1
        lowered = base.unknowns.copy()
        axpy(-step, base.gradient, lowered)
        momentum = (age - 1) / (age + 2) if age else 0.0
        ahead = denoise(lowered, [step * w for w in weights], momentum, point)
    return point


class Denoiser:
    """The proximal map of total variation for several maps; it keeps their duals from call to call."""

    def __init__(self, like: Any) -> None:
        """Start with duals of 0, which is the answer for flat maps, for maps (map, y, x) like these."""
        zeros = array_namespace(like).zeros
        self._duals = [zeros((2, *image.shape), image.dtype) for image in like]
        self._spare = zeros((2, *like.shape[1:]), like.dtype)

    def __call__(self, noisy: Any, weights: Sequence[float], momentum: float, point: Any) -> Any:
        """Put the maps with less variation into `point`; return what lies beyond, seen from the old one."""
        ahead = array_namespace(noisy).empty_like(noisy)
        for index, (image, weight) in enumerate(zip(noisy, weights, strict=True)):
            for _ in range(DUAL_STEPS if weight > 0 else 0):
                dual_step(image, weight, DUAL_PACE / weight, self._duals[index], self._spare)
                self._duals[index], self._spare = self._spare, self._duals[index]
            move_on(image, weight, self._duals[index], momentum, point[index], ahead[index])
        return ahead


def annealed(first: float, last: float, progress: float) -> float:
    """Return the weight at a progress in [0, 1] on a logistic curve from exactly `first` to `last`."""
    begin, now, end = (1 / (1 + exp(SHARPNESS * (x - 0.5))) for x in (0.0, progress, 1.0))
    return last + (first - last) * (now - end) / (begin - end)
