"""Phase retrieval of one frame: descent, refinement by a callable (the CNN), descent again.

The alternation is that of Herve et al., Sci. Rep. 10:20207 (2020), and Allier et al., Front. Phys.
9:776805 (2022), section 2.2: the refinement only supplies a start, the last descent restores fidelity
to the data and is regularised less. A uniform OPD changes no hologram, so the level of the result is a
convention: the most frequent OPD of the field, the background unless cells cover most of it, is 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from lensfree.arrays import array_namespace
from lensfree.config import OpticsConfig, ReconstructConfig
from lensfree.optics.hologram import Channel
from lensfree.phase.descent import descend
from lensfree.phase.objective import NM_PER_UNIT, Objective
from lensfree.phase.precondition import weak_sample_metric
from lensfree.phase.problem import Problem, Retrieval

Refine = Callable[[Any, Any], tuple[Any, Any]]


def retrieve(
    intensity: Any,
    channels: Sequence[Channel],
    *,
    pixel_pitch_um: float,
    optics: OpticsConfig,
    config: ReconstructConfig,
    refine: Refine | None = None,
) -> Retrieval:
    """Retrieve OPD and absorption from one frame.

    Args:
        intensity: real (channel, y, x), normalised so that the open beam is 1; NaN where nothing was
            recorded. Its library is that of the computation and of the result.
        channels: wavelength, distance and lateral shift of each channel.
        pixel_pitch_um: distance between pixels.
        optics: the instrument.
        config: method, iterations, weights.
        refine: maps (opd_nm, absorption) of the recorded field after the first descent to better
            ones; None leaves them. The reference method ignores it.

    Returns:
        The maps on the recorded field and how well they explain the holograms. If they explain them worse
        than before the refinement, it is left out and the last descent goes on from the first.

    Raises:
        ValueError: the intensity's shape does not fit the channels, or nothing finite is in it.
    """
    is_reference = config.method == "reference"
    if is_reference:
        config = config.model_copy(update={"slow_opd_weight": config.slow_opd_weight_reference})
    problem = Problem.build(intensity, channels, pixel_pitch_um, optics, config)
    xp = array_namespace(intensity)
    metric = None if is_reference or refine is None else _metric(problem.objective)
    first = descend(
        problem.start(xp),
        problem.objective.value_and_gradient,
        iterations=config.iterations_reference if is_reference else config.iterations_first,
        metric=metric,
    )
    misfit_first = problem.objective.misfit(first.unknowns)
    n_evaluations = first.n_evaluations
    if is_reference:
        return problem.retrieval(first.unknowns, misfit_first, misfit_first, False, n_evaluations)
    simpler = {"negative_opd_weight": config.negative_opd_weight_last, "slow_opd_weight": 0.0}
    objective = replace(problem.objective, config=config.model_copy(update=simpler))

    def finish(start: Any) -> tuple[Any, float, int]:
        last = descend(start, objective.value_and_gradient, iterations=config.iterations_last, metric=metric)
        return last.unknowns, problem.objective.misfit(last.unknowns), last.n_evaluations

    if refine is None:
        unknowns, misfit, more = finish(first.unknowns)
        return problem.retrieval(unknowns, misfit, misfit_first, False, n_evaluations + more)
    unknowns, misfit, more = finish(problem.refined(first.unknowns, *refine(*problem.maps(first.unknowns))))
    n_evaluations += more
    # A CNN can only have helped if the data are now explained better than before it.
    is_rejected = misfit > misfit_first
    if is_rejected:
        unknowns, misfit, more = finish(first.unknowns)
        n_evaluations += more
    return problem.retrieval(unknowns, misfit, misfit_first, is_rejected, n_evaluations)


def _metric(objective: Objective) -> Callable[[Any], Any] | None:
    """Return the weak-sample metric of an objective, None where the configuration switches it off."""
    config = objective.config
    if config.metric_damping == 0:
        return None
    return weak_sample_metric(
        objective.transfers,
        objective.wavelengths_nm,
        nm_per_unit=NM_PER_UNIT,
        damping=config.metric_damping,
        roughness=(
            config.tv_weight / (config.tv_eps_nm / NM_PER_UNIT),
            config.absorption_tv_weight / config.absorption_tv_eps,
        ),
    )


def first_descent(
    intensity: Any,
    channels: Sequence[Channel],
    *,
    pixel_pitch_um: float,
    optics: OpticsConfig,
    config: ReconstructConfig,
) -> tuple[Any, Any]:
    """Return (opd_nm, absorption) exactly as `retrieve` hands them to `refine`: the CNN's training input."""
    problem = Problem.build(intensity, channels, pixel_pitch_um, optics, config)
    first = descend(
        problem.start(array_namespace(intensity)),
        problem.objective.value_and_gradient,
        iterations=config.iterations_first,
        metric=_metric(problem.objective),
    )
    return problem.maps(first.unknowns)


def misfit_by_distance(
    intensity: Any,
    channels: Sequence[Channel],
    *,
    pixel_pitch_um: float,
    optics: OpticsConfig,
    config: ReconstructConfig,
    iterations: int,
) -> Callable[[float], float]:
    """Return a function from a distance in um, the same for all channels, to the misfit reached there.

    It is the misfit alone: the whole objective is biased to shorter distances.
    """

    def misfit_at(z_um: float) -> float:
        moved = [replace(channel, z_um=z_um) for channel in channels]
        problem = Problem.build(intensity, moved, pixel_pitch_um, optics, config)
        start = problem.start(array_namespace(intensity))
        reached = descend(start, problem.objective.value_and_gradient, iterations=iterations)
        return problem.objective.misfit(reached.unknowns)

    return misfit_at
