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
from lensfree.phase.proximal import descend_proximal

Refine = Callable[[Any, Any], tuple[Any, Any]]

WORSE = 0.999
"""A refinement that changes nothing must not be rejected for rounding."""


def retrieve(
    intensity: Any,
    channels: Sequence[Channel],
    *,
    pixel_pitch_um: float,
    optics: OpticsConfig,
    config: ReconstructConfig,
    refine: Refine | None = None,
    saturated: Any | None = None,
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
        saturated: bool (channel, y, x), where the camera was at the top of its range and the light at
            least that; None: nowhere.

    Returns:
        The maps on the recorded field and how well they explain the holograms. If they explain them worse
        than before the refinement, and worse than the last descent alone, the refinement is left out.

    Raises:
        ValueError: the intensity's shape does not fit the channels, or nothing finite is in it.
    """
    is_reference = config.method == "reference"
    if is_reference:
        config = with_reference_weights(config)
    problem = Problem.build(intensity, channels, pixel_pitch_um, optics, config, saturated)
    metric = None if is_reference or refine is None else first_metric(problem.objective)
    problem, start, n_evaluations = _begin(problem, config.iterations_first, metric)
    if is_reference:
        rest = max(config.iterations_reference - config.iterations_first, 0)
        unknowns = _finish(problem.objective, start, rest, config.tv_annealing_reference)
        misfit = problem.objective.misfit(unknowns)
        return problem.retrieval(unknowns, misfit, misfit, False, n_evaluations + rest)
    misfit_first = problem.objective.misfit(start)
    simpler = {"negative_opd_weight": config.negative_opd_weight_last, "slow_opd_weight": 0.0}
    objective = replace(problem.objective, config=config.model_copy(update=simpler))

    def finish(begin: Any) -> tuple[Any, float]:
        unknowns = _finish(objective, begin, config.iterations_last, config.tv_annealing)
        return unknowns, objective.misfit(unknowns)

    n_evaluations += config.iterations_last
    if refine is None:
        return problem.retrieval(*finish(start), misfit_first, False, n_evaluations)
    unknowns, misfit = finish(problem.refined(start, *refine(*problem.maps(start))))
    is_rejected = False
    if misfit > misfit_first:
        alone, misfit_alone = finish(start)
        n_evaluations += config.iterations_last
        is_rejected = misfit_alone < WORSE * misfit
        if is_rejected:
            unknowns, misfit = alone, misfit_alone
    return problem.retrieval(unknowns, misfit, misfit_first, is_rejected, n_evaluations)


def with_reference_weights(config: ReconstructConfig) -> ReconstructConfig:
    """Return the configuration with the weights of the reference method in the place of the usual ones."""
    weights = {"tv_weight": config.tv_weight_reference, "slow_opd_weight": config.slow_opd_weight_reference}
    return config.model_copy(update=weights)


def _finish(objective: Objective, start: Any, evaluations: int, annealing: float) -> Any:
    """Return where the last descent ends."""
    config = objective.config
    return descend_proximal(
        start,
        objective.without_variation().value_and_gradient,
        evaluations=evaluations,
        tv_weights=(config.tv_weight, config.absorption_tv_weight),
        annealing=annealing,
    )


def _begin(
    problem: Problem, iterations: int, metric: Callable[[Any], Any] | None
) -> tuple[Problem, Any, int]:
    """Descend from an empty sample and set the level of the light; return problem, unknowns, evaluations."""
    empty = problem.start(array_namespace(problem.objective.amplitude))
    first = descend(empty, problem.objective.value_and_gradient, iterations=iterations, metric=metric)
    problem, unknowns = problem.levelled(first.unknowns)
    return problem, unknowns, first.n_evaluations


def first_metric(objective: Objective) -> Callable[[Any], Any] | None:
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
    saturated: Any | None = None,
) -> tuple[Any, Any]:
    """Return (opd_nm, absorption) exactly as `retrieve` hands them to `refine`: the CNN's training input."""
    problem = Problem.build(intensity, channels, pixel_pitch_um, optics, config, saturated)
    problem, unknowns, _ = _begin(problem, config.iterations_first, first_metric(problem.objective))
    return problem.maps(unknowns)


def misfit_by_distance(
    intensity: Any,
    channels: Sequence[Channel],
    *,
    pixel_pitch_um: float,
    optics: OpticsConfig,
    config: ReconstructConfig,
    iterations: int,
    saturated: Any | None = None,
    refine: Refine | None = None,
) -> Callable[[float], float]:
    """Return a function from a distance in um, the same for all channels, to the misfit reached there.

    It is the misfit alone: the whole objective is biased to shorter distances. Next to its minimum a short
    descent errs by up to 0.1 %, to the far side. With `refine` the misfit is that of a whole retrieval,
    which takes nearly twice as long and errs by a third of that (5 simulated RGB fields).
    """

    def misfit_at(z_um: float) -> float:
        moved = [replace(channel, z_um=z_um) for channel in channels]
        if refine is not None:
            return retrieve(
                intensity,
                moved,
                pixel_pitch_um=pixel_pitch_um,
                optics=optics,
                config=config,
                refine=refine,
                saturated=saturated,
            ).misfit
        problem = Problem.build(intensity, moved, pixel_pitch_um, optics, config, saturated)
        start = problem.start(array_namespace(intensity))
        reached = descend(start, problem.objective.value_and_gradient, iterations=iterations)
        return problem.misfit_of_parts(reached.unknowns)

    return misfit_at
