"""The step rules as they compete: on a case, with their FFTs on a ledger, and settings to choose from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from descent_cases import Case
from step_rules import Evaluate, Ledger, Metric, conjugate_gradient, quasi_newton
from two_grids import halved_problem, to_coarse, to_fine

from lensfree.config import Config
from lensfree.phase.problem import Problem
from lensfree.phase.proximal import descend_proximal
from lensfree.phase.retrieve import first_metric

Rule = Callable[..., None]


def evaluation(problem: Problem, ledger: Ledger, ffts: float) -> Evaluate:
    """Return value and gradient of a problem on the ledger."""
    return ledger.booked(problem.objective.value_and_gradient, ffts)


def ledgered_metric(problem: Problem, ledger: Ledger, full_planes: float = 1.0) -> Metric | None:
    """Return the weak-sample metric on the ledger: four real FFTs, each half a complex one."""
    metric = first_metric(problem.objective)
    return metric and ledger.booked(metric, 2 * full_planes)


def by_gradient(
    case: Case,
    ledger: Ledger,
    budget: float,
    *,
    curvature: float,
    is_step_kept: bool = False,
    damping: float = 0.0,
) -> None:
    """Conjugate gradient, in the metric if its damping is above 0."""
    problem = case.problem(metric_damping=damping)
    conjugate_gradient(
        case.start,
        evaluation(problem, ledger, case.evaluation_ffts),
        ledger,
        curvature=curvature,
        is_step_kept=is_step_kept,
        metric=ledgered_metric(problem, ledger),
    )


def by_lbfgs(
    case: Case, ledger: Ledger, budget: float, *, first_step: float = 0.5, damping: float = 0.0
) -> None:
    """L-BFGS, in the metric if its damping is above 0."""
    problem = case.problem(metric_damping=damping)
    evaluate = evaluation(problem, ledger, case.evaluation_ffts)
    quasi_newton(case.start, evaluate, ledger, first_step=first_step, metric=ledgered_metric(problem, ledger))


def by_prox(case: Case, ledger: Ledger, budget: float, *, tv: float, first_over_last: float) -> None:
    """Run the accelerated proximal gradient that ships; it plans by its budget, so only its end counts."""
    found = descend_proximal(
        case.start,
        evaluation(case.problem(tv_weight=0.0, absorption_tv_weight=0.0), ledger, case.evaluation_ffts),
        evaluations=int(budget // case.evaluation_ffts),
        tv_weights=(tv * case.weights.tv_weight, tv * case.weights.absorption_tv_weight),
        annealing=first_over_last,
    )
    ledger.reach(found)


def from_coarse(case: Case, ledger: Ledger, budget: float, *, share: float, damping: float) -> None:
    """L-BFGS that spends a share of its FFTs on pixels twice as wide; their change is carried over."""
    fine = case.problem(metric_damping=damping)
    coarse = halved_problem(
        case.field.intensity,
        case.field.channels,
        pixel_pitch_um=case.config.fields.pixel_pitch_um,
        optics=case.config.optics,
        config=fine.objective.config,
        saturated=case.field.saturated,
    )
    coarse, _ = coarse.levelled(to_coarse(case.before, fine.grid, coarse.grid))
    smaller = np.prod(coarse.grid.padded_yx) / np.prod(fine.grid.padded_yx)
    start = to_coarse(case.start, fine.grid, coarse.grid)
    beside = Ledger([share * budget], start)
    evaluate = evaluation(coarse, beside, case.evaluation_ffts * smaller)
    metric = ledgered_metric(coarse, beside, smaller)
    (end,) = beside.run(lambda: quasi_newton(start, evaluate, beside, metric=metric)).values()
    ledger.spend(beside.ffts)
    begun = case.start + to_fine(end - start, coarse.grid, fine.grid)
    ledger.reach(begun)
    evaluate = evaluation(fine, ledger, case.evaluation_ffts)
    quasi_newton(begun, evaluate, ledger, metric=ledgered_metric(fine, ledger))


RULES: dict[str, tuple[Rule, list[dict[str, Any]]]] = {
    "conjugate gradient": (
        by_gradient,
        [{"curvature": c, "is_step_kept": k} for c in (0.1, 0.4, 0.9) for k in (False, True)],
    ),
    "conjugate gradient in the metric": (
        by_gradient,
        [{"curvature": c, "damping": d} for c in (0.4, 0.9) for d in (0.3, 1.0, 3.0)],
    ),
    "L-BFGS": (by_lbfgs, [{"first_step": s} for s in (0.125, 0.25, 0.5, 1.0, 2.0, 4.0)]),
    "L-BFGS in the metric": (by_lbfgs, [{"damping": d} for d in (0.1, 0.3, 0.6, 1.0, 2.0, 4.0)]),
    "accelerated proximal, annealed TV": (
        by_prox,
        [{"tv": f, "first_over_last": r} for f in (0.5, 1.0) for r in (3.0, 10.0, 30.0)],
    ),
    "coarse to fine": (
        from_coarse,
        [{"share": s, "damping": d} for s in (0.1, 0.25, 0.5) for d in (0.0, 0.3)],
    ),
}
KNOWS_ITS_BUDGET = (by_prox, from_coarse)


def shipped(config: Config) -> dict[str, tuple[str, dict[str, float]]]:
    """Return the rule and the knobs that the package uses in each situation."""
    weights = config.reconstruct
    return {
        situation: ("accelerated proximal, annealed TV", {"tv": 1.0, "first_over_last": annealing})
        for situation, annealing in (
            ("from nothing", weights.tv_annealing_reference),
            ("after the CNN", weights.tv_annealing),
        )
    }


def follow(rule: Rule, case: Case, evaluations: tuple[int, ...], **knobs: Any) -> dict[int, np.ndarray]:
    """Return what a rule reached within each budget; one that plans by its budget runs once for each."""
    ffts = [n * case.evaluation_ffts for n in evaluations]
    reached: dict[float, np.ndarray] = {}
    for budgets in [[f] for f in ffts] if rule in KNOWS_ITS_BUDGET else [ffts]:
        ledger = Ledger(budgets, case.start)
        reached |= ledger.run(lambda ledger=ledger, last=budgets[-1]: rule(case, ledger, last, **knobs))
    return {n: reached[f] for n, f in zip(evaluations, ffts, strict=True)}
