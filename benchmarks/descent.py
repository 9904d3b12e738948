"""Cost of one evaluation of the objective against its FFTs alone and against torch autograd.

All three run in this process on the same field, one after the other in turns, and the medians are
compared, so that the ratios hold when the machine's speed drifts. Usage: python benchmarks/descent.py
"""

from __future__ import annotations

import time
from collections.abc import Callable
from math import pi

import numpy as np
import torch
from measured import entry, write

from lensfree.arrays import cpu_count, fft2, ifft2
from lensfree.config import OpticsConfig, ReconstructConfig
from lensfree.optics.hologram import Channel, build_transfers
from lensfree.phase.blockwise import Workspace
from lensfree.phase.objective import NM_PER_UNIT, Objective

SHAPE_YX = (3000, 4096)
CHANNELS = [Channel(wavelength_nm, 1000.0) for wavelength_nm in (647.0, 540.0, 450.0)]
TURNS = 9


def build() -> tuple[Objective, np.ndarray]:
    """Return the objective of a noisy open beam and a point to evaluate it at."""
    rng = np.random.default_rng(0)
    like = np.empty(SHAPE_YX, np.complex64)
    transfers = build_transfers(CHANNELS, like, pixel_pitch_um=1.67, optics=OpticsConfig())
    amplitude = rng.normal(1, 0.1, (len(CHANNELS), *SHAPE_YX)).astype(np.float32)
    wavelengths_nm = [c.wavelength_nm for c in CHANNELS]
    space = Workspace.like(transfers[0])  # as retrieval has it, for all evaluations of a frame
    objective = Objective(amplitude, transfers, wavelengths_nm, ReconstructConfig(), space)
    return objective, rng.normal(0, 0.1, (2, *SHAPE_YX)).astype(np.float32)


def ffts_alone(objective: Objective) -> Callable[[], object]:
    """Return a call that does nothing but the four transforms per channel."""
    field = objective.transfers[0].copy()

    def run() -> None:
        for _ in objective.transfers:
            ifft2(fft2(field))
            ifft2(fft2(field))

    return run


def by_autograd(objective: Objective, unknowns: np.ndarray) -> Callable[[], object]:
    """Return a call for misfit and gradient of the same model, written plainly in torch."""
    transfers, amplitude = torch.from_numpy(objective.transfers), torch.from_numpy(objective.amplitude)

    def run() -> torch.Tensor:
        point = torch.from_numpy(unknowns).requires_grad_()
        total = torch.zeros(())
        for transfer, measured, wavelength_nm in zip(
            transfers, amplitude, objective.wavelengths_nm, strict=True
        ):
            phase = (2 * pi * NM_PER_UNIT / wavelength_nm) * point[0]
            field = torch.fft.ifft2(torch.fft.fft2(torch.exp(torch.complex(-point[1], phase))) * transfer)
            total = total + ((field.abs() - measured) ** 2).sum() / len(transfers)
        total.backward()
        return point.grad

    return run


def medians(calls: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return the median seconds of each call, taken in turns after one warm-up."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(TURNS + 1):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            if turn:
                times[name].append(time.perf_counter() - start)
    return {name: float(np.median(values)) for name, values in times.items()}


if __name__ == "__main__":
    torch.set_num_threads(cpu_count())
    objective, unknowns = build()
    seconds = medians(
        {
            "ours": lambda: objective.value_and_gradient(unknowns),
            "ffts": ffts_alone(objective),
            "autograd": by_autograd(objective, unknowns),
        }
    )
    size = f"{SHAPE_YX[0]} x {SHAPE_YX[1]}, 3 colours"
    over, against = seconds["ours"] / seconds["ffts"], seconds["autograd"] / seconds["ours"]
    said = "torch autograd / value and gradient (with regularisers)"
    write(
        {
            "speed.cpu_over_fft": entry(
                over, "1", "lower", f"value and gradient / its FFTs alone, {size}", TURNS, __file__
            ),
            "speed.cpu_vs_autograd": entry(against, "1", "higher", f"{said}, {size}", TURNS, __file__),
        }
    )
    print(seconds)
