"""Fields that step rules compete on, both situations of each, and what is wrong with a reconstruction of one.

All are synthetic, with the full optics; the geometry is known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from step_rules import Metric

from lensfree.config import Config, ReconstructConfig
from lensfree.phase.descent import descend
from lensfree.phase.level import background_level_nm
from lensfree.phase.problem import Problem
from lensfree.phase.retrieve import Refine, first_metric, with_reference_weights
from lensfree.stages.held_out import held_out_fields, mass_r2, masses_pg
from lensfree.stages.training_fields import TrueField


@dataclass(frozen=True)
class Case:
    """One field, its objective, and where every rule starts.

    Attributes:
        situation: from nothing, or after the CNN.
        field: holograms and truth.
        config: instrument and fields.
        levelled: the problem with its final weights, the level of its light set.
        before: unknowns that the level was set by.
        start: unknowns to start from.
    """

    situation: str
    field: TrueField
    config: Config
    levelled: Problem
    before: np.ndarray
    start: np.ndarray

    @property
    def evaluation_ffts(self) -> int:
        """Complex FFTs of one value and gradient."""
        return 4 * len(self.field.channels)

    @property
    def weights(self) -> ReconstructConfig:
        """Weights of the objective."""
        return self.levelled.objective.config

    def problem(self, **weights: float) -> Problem:
        """Return the problem, some weights changed."""
        return reweighted(self.levelled, **weights)


def reweighted(problem: Problem, **weights: float) -> Problem:
    """Return a problem with some weights changed."""
    objective = problem.objective
    return replace(problem, objective=replace(objective, config=objective.config.model_copy(update=weights)))


def cases(
    config: Config, seeds: tuple[int, ...], densities: tuple[float, ...], refine: Refine
) -> Iterator[Case]:
    """Yield both situations of every field; the light's level is set by a first descent for either."""
    seeded = config.model_copy(update={"evaluate": config.evaluate.model_copy(update={"seeds": seeds})})
    weights, pitch_um = config.reconstruct, config.fields.pixel_pitch_um
    for field in held_out_fields(seeded, densities, 1):
        raw = Problem.build(
            field.intensity, field.channels, pitch_um, config.optics, weights, field.saturated
        )
        alone = replace(raw, objective=replace(raw.objective, config=with_reference_weights(weights)))
        before = _first_descent(alone, None)
        problem, _ = alone.levelled(before)
        yield Case("from nothing", field, config, problem, before, raw.start(np))
        before = _first_descent(raw, first_metric(raw.objective))
        problem, reached = raw.levelled(before)
        refined = problem.refined(reached, *refine(*problem.maps(reached)))
        last = reweighted(problem, negative_opd_weight=weights.negative_opd_weight_last, slow_opd_weight=0.0)
        yield Case("after the CNN", field, config, last, before, refined)


def _first_descent(problem: Problem, metric: Metric | None) -> np.ndarray:
    """Return the unknowns after the first descent from an empty sample."""
    iterations = problem.objective.config.iterations_first
    return descend(
        problem.start(np), problem.objective.value_and_gradient, iterations=iterations, metric=metric
    ).unknowns


@dataclass
class Seen:
    """What is wrong with one reconstruction of one field; sums, so that fields can be pooled."""

    misfit: float
    value: float
    squares: dict[str, tuple[float, int]]
    flat_pg: np.ndarray


def look(case: Case, problem: Problem, unknowns: np.ndarray) -> Seen:
    """Compare with the truth; this costs the rule nothing."""
    opd_nm, _ = problem.maps(unknowns)
    error_nm = opd_nm - np.float32(background_level_nm(opd_nm)) - case.field.opd_nm
    states = np.array(["background", *case.field.cells["state"]])[case.field.labels]
    squares = {}
    for state in ("flat", "round", "background"):
        values = error_nm[states == state].astype(np.float64)
        squares[state] = (float(np.sum(values**2)), values.size)
    masses = masses_pg(case.field, error_nm, case.config.fields.pixel_pitch_um)
    objective = problem.objective
    value, _ = objective.value_and_gradient(unknowns)
    return Seen(objective.misfit(unknowns), value, squares, masses[:2, masses[2] == 0])


def rmse_nm(seen: list[Seen], state: str) -> float:
    """Return the pooled RMSE over pixels of one kind."""
    total, n = np.sum([s.squares[state] for s in seen], axis=0)
    return float((total / max(n, 1)) ** 0.5)


def row(seen: list[Seen]) -> dict[str, Any]:
    """Return the measures of one rule at one budget over all fields."""
    true_pg, found_pg = np.concatenate([s.flat_pg for s in seen], axis=1)
    return {
        "misfit": float(np.mean([s.misfit for s in seen])),
        "objective": float(np.mean([s.value for s in seen])),
        "flat_rmse_nm": rmse_nm(seen, "flat"),
        "flat_rmse_nm_by_field": [rmse_nm([s], "flat") for s in seen],
        "flat_mass_slope": float(np.polyfit(true_pg, found_pg, 1)[0]),
        "flat_mass_r2": mass_r2(true_pg, found_pg),
        "n_flat_cells": len(true_pg),
        "round_rmse_nm": rmse_nm(seen, "round"),
        "background_rmse_nm": rmse_nm(seen, "background"),
    }
