"""Phase retrieval of one frame: descent, refinement by a callable (the CNN), descent again.

The alternation is that of Herve et al., Sci. Rep. 10:20207 (2020), and Allier et al., Front. Phys.
9:776805 (2022), section 2.2: the refinement only supplies a start, the last descent restores fidelity
to the data and is regularised less. A uniform OPD changes no hologram, so the level of the result is a
convention: the most frequent OPD of the field, the background unless cells cover most of it, is 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil
from typing import Any

import numpy as np

from lensfree.arrays import array_namespace, is_cupy, to_device, to_numpy
from lensfree.config import OpticsConfig, ReconstructConfig
from lensfree.optics.hologram import Channel, PaddedGrid, build_transfers, crop, padding_px
from lensfree.phase.descent import descend
from lensfree.phase.level import background_level_nm
from lensfree.phase.objective import NM_PER_UNIT, Objective
from lensfree.phase.precondition import weak_sample_metric

LEVEL_SAMPLE_PX = 1_000_000
"""The background level is taken from a regular grid of about this many pixels."""

Refine = Callable[[Any, Any], tuple[Any, Any]]


@dataclass(frozen=True)
class Retrieval:
    """Maps of one frame, in the library of the intensity, on the recorded field.

    Attributes:
        opd_nm: optical path difference (y, x), float32; most frequent value 0.
        absorption: a in transmittance exp(-a) (y, x), float32.
        misfit: mean of (|U| - sqrt(I))^2 over recorded pixels and channels at the end.
        misfit_first: the same before the refinement.
        n_evaluations: evaluations of value and gradient, four FFTs per channel each.
    """

    opd_nm: Any
    absorption: Any
    misfit: float
    misfit_first: float
    n_evaluations: int


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
        The maps on the recorded field and how well they explain the holograms.

    Raises:
        ValueError: the intensity's shape does not fit the channels, or nothing finite is in it.
    """
    is_reference = config.method == "reference"
    if is_reference:
        config = config.model_copy(update={"slow_opd_weight": config.slow_opd_weight_reference})
    problem = _Problem.build(intensity, channels, pixel_pitch_um, optics, config)
    xp = array_namespace(intensity)
    first = descend(
        problem.start(xp),
        problem.objective.value_and_gradient,
        iterations=config.iterations_reference if is_reference else config.iterations_first,
    )
    misfit_first = problem.objective.misfit(first.unknowns)
    if is_reference:
        return problem.retrieval(first.unknowns, misfit_first, misfit_first, first.n_evaluations)
    unknowns = first.unknowns
    if refine is not None:
        opd_nm, absorption = refine(*problem.maps(unknowns))
        problem.replace(unknowns, opd_nm, absorption)
    simpler = {"negative_opd_weight": config.negative_opd_weight_last, "slow_opd_weight": 0.0}
    objective = replace(problem.objective, config=config.model_copy(update=simpler))
    last = descend(
        unknowns,
        objective.value_and_gradient,
        iterations=config.iterations_last,
        metric=None if refine is None else _metric(objective),
    )
    misfit = problem.objective.misfit(last.unknowns)
    return problem.retrieval(last.unknowns, misfit, misfit_first, first.n_evaluations + last.n_evaluations)


def _metric(objective: Objective) -> Callable[[Any], Any] | None:
    """Return the weak-sample metric of an objective, None where the configuration switches it off."""
    config = objective.config
    if config.metric_damping_last == 0:
        return None
    return weak_sample_metric(
        objective.transfers,
        objective.wavelengths_nm,
        nm_per_unit=NM_PER_UNIT,
        damping=config.metric_damping_last,
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
    problem = _Problem.build(intensity, channels, pixel_pitch_um, optics, config)
    first = descend(
        problem.start(array_namespace(intensity)),
        problem.objective.value_and_gradient,
        iterations=config.iterations_first,
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
        problem = _Problem.build(intensity, moved, pixel_pitch_um, optics, config)
        start = problem.start(array_namespace(intensity))
        reached = descend(start, problem.objective.value_and_gradient, iterations=iterations)
        return problem.objective.misfit(reached.unknowns)

    return misfit_at


@dataclass(frozen=True)
class _Problem:
    """One frame's objective on the padded grid."""

    objective: Objective
    grid: PaddedGrid

    @classmethod
    def build(
        cls,
        intensity: Any,
        channels: Sequence[Channel],
        pixel_pitch_um: float,
        optics: OpticsConfig,
        config: ReconstructConfig,
    ) -> _Problem:
        if intensity.ndim != 3 or intensity.shape[0] != len(channels):
            raise ValueError(
                f"got intensity of shape {tuple(intensity.shape)} with {len(channels)} channels, "
                "expected (channel, y, x) with one plane per channel"
            )
        xp = array_namespace(intensity)
        is_recorded = xp.isfinite(intensity)
        if not bool(is_recorded.any()):
            raise ValueError("got an intensity without a finite pixel, expected some: is the frame missing?")
        grid = PaddedGrid.around(intensity.shape[-2:], padding_px(config.padding_um, pixel_pitch_um))
        recorded = xp.sqrt(xp.maximum(xp.where(is_recorded, intensity, 0), 0)).astype(xp.float32)
        amplitude = xp.full((len(channels), *grid.padded_yx), -1, dtype=xp.float32)
        amplitude[grid.window] = xp.where(is_recorded, recorded, -1)
        transfers = _transfers(tuple(channels), grid.padded_yx, pixel_pitch_um, optics, is_cupy(intensity))
        wavelengths_nm = [channel.wavelength_nm for channel in channels]
        return cls(Objective(amplitude, transfers, wavelengths_nm, config), grid)

    def start(self, xp: Any) -> Any:
        return xp.zeros((2, *self.grid.padded_yx), xp.float32)

    def maps(self, unknowns: Any) -> tuple[Any, Any]:
        field = crop(unknowns, self.grid)
        return field[0] * np.float32(NM_PER_UNIT), field[1].copy()

    def replace(self, unknowns: Any, opd_nm: Any, absorption: Any) -> None:
        """Overwrite the recorded field and lift the margin with it.

        The refinement may move the level of OPD, which no hologram shows; a margin left behind would
        make a step around the field, which holograms do show.
        """
        for got in (opd_nm, absorption):
            if tuple(got.shape) != self.grid.shape_yx:
                raise ValueError(f"refine returned maps of {tuple(got.shape)}, expected {self.grid.shape_yx}")
        xp = array_namespace(unknowns)
        opd = opd_nm / NM_PER_UNIT
        unknowns[0] += xp.median(opd - unknowns[0][self.grid.window])
        unknowns[0][self.grid.window] = opd
        unknowns[1][self.grid.window] = absorption

    def retrieval(self, unknowns: Any, misfit: float, misfit_first: float, n_evaluations: int) -> Retrieval:
        opd_nm, absorption = self.maps(unknowns)
        stride = ceil((opd_nm.size / LEVEL_SAMPLE_PX) ** 0.5)
        opd_nm -= np.float32(background_level_nm(to_numpy(opd_nm[::stride, ::stride])))
        return Retrieval(opd_nm, absorption, misfit, misfit_first, n_evaluations)


@lru_cache(maxsize=1)
def _transfers(
    channels: tuple[Channel, ...],
    padded_yx: tuple[int, int],
    pixel_pitch_um: float,
    optics: OpticsConfig,
    is_on_gpu: bool,
) -> Any:
    """Return the transfer functions; frames of one acquisition share them, so the last ones are kept."""
    like = to_device(np.empty(padded_yx, np.complex64), "cuda" if is_on_gpu else "cpu")
    return build_transfers(channels, like, pixel_pitch_um=pixel_pitch_um, optics=optics)
