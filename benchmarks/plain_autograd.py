"""The model of `lensfree.phase.objective` as plain torch expressions, its gradient left to autograd."""

from __future__ import annotations

from math import pi

import numpy as np
import torch

from lensfree.phase.objective import NM_PER_UNIT, Objective


def value(point: torch.Tensor, objective: Objective) -> torch.Tensor:
    """Return the objective at a point (2, y, x), a scalar to differentiate."""
    config = objective.config
    total = _misfit(point, objective) / len(objective.wavelengths_nm)
    total = total + _variation(point[0], config.tv_weight, config.tv_eps_nm / NM_PER_UNIT)
    total = total + _variation(point[1], config.absorption_tv_weight, config.absorption_tv_eps)
    below = point.clamp(max=0).square().sum((1, 2))
    total = total + config.negative_opd_weight * NM_PER_UNIT**2 * below[0]
    total = total + config.negative_absorption_weight * below[1]
    squared = point[0].square()
    return total + config.slow_opd_weight * (squared / (1 + squared)).sum()


def minimised(objective: Objective, start: np.ndarray, *, iterations: int, optimiser: str) -> np.ndarray:
    """Return the unknowns after so many iterations of a torch optimiser.

    Args:
        objective: what is minimised.
        start: unknowns (2, y, x); not changed.
        iterations: steps of the optimiser; L-BFGS may evaluate more often in its line search.
        optimiser: `LBFGS`, or `Adam` and its step as in `Adam 0.05`.

    Raises:
        ValueError: the optimiser is another.
    """
    point = torch.from_numpy(start.copy()).requires_grad_()
    kind, _, step = optimiser.partition(" ")
    if kind == "LBFGS":
        rule = torch.optim.LBFGS(
            [point],
            max_iter=iterations,
            max_eval=10 * iterations,
            history_size=4,
            line_search_fn="strong_wolfe",
            tolerance_grad=0,
            tolerance_change=0,
        )
        calls = 1
    elif kind == "Adam":
        rule, calls = torch.optim.Adam([point], lr=float(step)), iterations
    else:
        raise ValueError(f"got optimiser {optimiser!r}, expected 'LBFGS' or 'Adam STEP': spell it so")

    def evaluate() -> torch.Tensor:
        rule.zero_grad()
        total = value(point, objective)
        total.backward()
        return total

    for _ in range(calls):
        rule.step(evaluate)
    return point.detach().numpy()


def _misfit(point: torch.Tensor, objective: Objective) -> torch.Tensor:
    """Return the summed squares of what the amplitudes miss; negative amplitudes are lower bounds."""
    total = torch.zeros((), dtype=point.dtype)
    planes = zip(objective.transfers, objective.amplitude, objective.wavelengths_nm, strict=True)
    for transfer, amplitude, wavelength_nm in planes:
        measured = torch.from_numpy(amplitude)
        phase_rad = (2 * pi * NM_PER_UNIT / wavelength_nm) * point[0]
        spectrum = torch.fft.fft2(torch.exp(torch.complex(-point[1], phase_rad)))
        modulus = torch.fft.ifft2(spectrum * torch.from_numpy(transfer)).abs()
        bounded = (modulus + measured).clamp(max=0)
        total = total + torch.where(measured < 0, bounded, modulus - measured).square().sum()
    return total


def _variation(image: torch.Tensor, weight: float, eps: float) -> torch.Tensor:
    """Return the weighted total variation, smoothed below steps of eps, on a periodic grid."""
    squares = sum((torch.roll(image, -1, axis) - image).square() for axis in (0, 1))
    return weight * (torch.sqrt(squares + eps**2) - eps).sum()
