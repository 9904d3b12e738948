"""Step rules for one descent, on a ledger that counts what they spend: conjugate gradient and L-BFGS.

A rule takes a start, a callable for value and gradient that books its own FFTs, and the ledger, which it
tells every iterate it stands by. It runs until the ledger is spent or no step lowers the value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from math import inf
from typing import Any

from lensfree.phase.descent import descend
from lensfree.phase.pointwise import axpy, dot

Evaluate = Callable[[Any], tuple[float, Any]]
Metric = Callable[[Any], Any]

ARMIJO = 1e-4
MAX_TRIALS = 6
UNLIMITED = 10_000


class SpentError(Exception):
    """The largest budget is used up."""


class Ledger:
    """Counts FFTs of full size and keeps what a rule stood by when each budget was used up.

    Attributes:
        ffts: complex FFTs of one plane of full size; a real one counts half, a smaller one by its pixels.
        at: budget to the iterate that was reached within it.
    """

    def __init__(self, budgets_ffts: Iterable[float], start: Any) -> None:
        """Open an account with increasing budgets; the start costs nothing."""
        self._open = sorted(budgets_ffts)
        if not self._open or self._open[0] < 0:
            raise ValueError(f"got budgets {self._open}, expected one or more numbers of FFTs from 0 up")
        self.ffts = 0.0
        self.at: dict[float, Any] = {}
        self.reach(start)

    def spend(self, ffts: float) -> None:
        """Book FFTs before they are computed; raise SpentError if no budget has room for them."""
        total = self.ffts + ffts
        while self._open and self._open[0] < total:
            self.at[self._open.pop(0)] = self._latest
        if not self._open:
            raise SpentError
        self.ffts = total

    def reach(self, unknowns: Any) -> None:
        """Note an iterate; copied, because a rule may write over it."""
        self._latest = unknowns.copy()

    def run(self, rule: Callable[[], None]) -> dict[float, Any]:
        """Run a rule to the end of the last budget or its own, and return `at`, complete."""
        with suppress(SpentError):
            rule()
        for budget in self._open:
            self.at[budget] = self._latest
        self._open = []
        return self.at

    def booked(self, call: Callable[[Any], Any], ffts: float) -> Callable[[Any], Any]:
        """Return a callable that books so many FFTs and then calls."""

        def booked(argument: Any) -> Any:
            self.spend(ffts)
            return call(argument)

        return booked


def quasi_newton(
    start: Any, evaluate: Evaluate, ledger: Ledger, *, first_step: float = 0.5, metric: Metric | None = None
) -> None:
    """Run the L-BFGS that ships; a point it accepts is the lowest so far."""
    lowest = inf

    def watched(unknowns: Any) -> tuple[float, Any]:
        nonlocal lowest
        value, gradient = evaluate(unknowns)
        if value < lowest:
            lowest = value
            ledger.reach(unknowns)
        return value, gradient

    descend(start, watched, iterations=UNLIMITED, first_step=first_step, metric=metric)


def conjugate_gradient(
    start: Any,
    evaluate: Evaluate,
    ledger: Ledger,
    *,
    first_step: float = 0.5,
    curvature: float = 0.1,
    is_step_kept: bool = False,
    metric: Metric | None = None,
) -> None:
    """Run the nonlinear conjugate gradient of Polak and Ribiere, beta never negative.

    Nocedal & Wright, Numerical Optimization, section 5.2. With a metric the gradient is preconditioned.

    Args:
        start: real array (plane, y, x); not changed.
        evaluate: value and gradient.
        ledger: told every accepted iterate.
        first_step: length of the very first trial, in gradients; 1 with a metric.
        curvature: a step is taken when the slope along it fell to this share (strong Wolfe).
        is_step_kept: try the last step's length again; otherwise the length that changes the value
            as much as the last step to first order.
        metric: an estimate of the inverse Hessian.
    """
    apply = metric or (lambda gradient: gradient)
    unknowns = start.copy()
    value, gradient = evaluate(unknowns)
    steep = apply(gradient)
    direction, is_steepest = -steep, True
    slope = dot(direction, gradient)
    step = 1.0 if metric else first_step
    while slope < 0:
        found = _search(evaluate, unknowns, value, direction, slope, step, curvature)
        if found is None:
            if is_steepest:
                return
            direction, is_steepest = -steep, True
            slope = dot(direction, gradient)
            continue
        step, unknowns, value, new_gradient = found
        ledger.reach(unknowns)
        change = new_gradient - gradient
        norm = dot(steep, gradient)
        gradient, steep = new_gradient, apply(new_gradient)
        beta = max(0.0, dot(steep, change) / norm)
        turned = -steep
        axpy(beta, direction, turned)
        is_steepest = beta == 0 or dot(turned, gradient) >= 0
        direction = -steep if is_steepest else turned
        last_slope, slope = slope, dot(direction, gradient)
        if not is_step_kept and slope < 0:
            step *= min(last_slope / slope, 10.0)


def _search(
    evaluate: Evaluate,
    unknowns: Any,
    value: float,
    direction: Any,
    slope: float,
    step: float,
    curvature: float,
) -> tuple[float, Any, float, Any] | None:
    """Return (step, unknowns, value, gradient) of a lower point, refined by secants, or None."""
    best: tuple[float, Any, float, Any] | None = None
    for _ in range(MAX_TRIALS):
        trial = unknowns.copy()
        axpy(step, direction, trial)
        trial_value, gradient = evaluate(trial)
        trial_slope = dot(direction, gradient)
        if trial_value <= value + ARMIJO * step * slope and (best is None or trial_value < best[2]):
            best = (step, trial, trial_value, gradient)
            if abs(trial_slope) <= curvature * abs(slope):
                return best
        elif best is not None:
            return best
        factor = slope / (slope - trial_slope) if trial_slope > slope else 4.0
        step *= min(max(factor, 0.1), 4.0)
    return best
