"""Seconds and peak memory of one full sensor frame, RGB, on the CPU: descent, CNN, descent.

The frame's cells are synthetic. Usage: python benchmarks/frame.py
"""

from __future__ import annotations

import resource
import time
from pathlib import Path

import numpy as np
from measured import entry, write

from lensfree.arrays import fft2, ifft2
from lensfree.config import OpticsConfig, ReconstructConfig
from lensfree.model_files import weights_file
from lensfree.optics.hologram import Channel, PaddedGrid, padding_px
from lensfree.phase.retrieve import retrieve
from lensfree.simulate.holograms import simulate_intensity
from lensfree.simulate.population import random_field
from lensfree.simulate.render import render_sample
from lensfree.stages.refine import load_refine

SHAPE_YX = (2748, 3840)
TILE_YX = (916, 960)
"""The frame is this tile repeated: its content does not change what an iteration costs."""

PITCH_UM = 1.67
CHANNELS = [Channel(wavelength_nm, 1000.0) for wavelength_nm in (647.0, 540.0, 450.0)]


def frame(optics: OpticsConfig) -> np.ndarray:
    """Return the intensity of a synthetic field, float32 (channel, y, x)."""
    cells = random_field(np.random.default_rng(0), TILE_YX, PITCH_UM, 200.0)
    sample = render_sample(cells, TILE_YX, PITCH_UM)
    tile = simulate_intensity(*sample, CHANNELS, pixel_pitch_um=PITCH_UM, optics=optics, spectral_lines=3)
    return np.tile(tile, (1, SHAPE_YX[0] // TILE_YX[0], SHAPE_YX[1] // TILE_YX[1]))


def ffts_s(evaluations: int, padded_yx: tuple[int, int]) -> float:
    """Return the seconds that the transforms of so many evaluations take by themselves."""
    field = np.ones(padded_yx, np.complex64)
    ifft2(fft2(field))
    start = time.perf_counter()
    for _ in CHANNELS:
        ifft2(fft2(field))
        ifft2(fft2(field))
    return evaluations * (time.perf_counter() - start)


if __name__ == "__main__":
    optics, config = OpticsConfig(), ReconstructConfig(device="cpu")
    intensity = frame(optics)
    refine = load_refine(weights_file(config.refine, Path("models")))
    small = np.ascontiguousarray(intensity[:, :256, :320])
    published = config.model_copy(update={"iterations_last": 10})
    retrieve(small, CHANNELS, pixel_pitch_um=PITCH_UM, optics=optics, config=config, refine=refine)  # compile
    start = time.perf_counter()
    found = retrieve(
        intensity, CHANNELS, pixel_pitch_um=PITCH_UM, optics=optics, config=published, refine=refine
    )
    seconds = time.perf_counter() - start
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    grid = PaddedGrid.around(SHAPE_YX, padding_px(config.padding_um, PITCH_UM))
    over = seconds / ffts_s(found.n_evaluations, grid.padded_yx)
    size = f"{SHAPE_YX[0]} x {SHAPE_YX[1]} RGB, 10 + CNN + 10 iterations"
    write(
        {
            "speed.cpu_frame_s": entry(seconds, "s", "lower", f"one frame of {size}", 1, __file__),
            "speed.cpu_peak_gb": entry(
                peak_gb, "GB", "lower", f"peak memory of one frame of {size}", 1, __file__
            ),
            "speed.cpu_frame_over_ffts": entry(
                over, "1", "lower", f"one frame of {size} / its FFTs alone", 1, __file__
            ),
        }
    )
    print(f"{seconds:.1f} s, {peak_gb:.2f} GB, {over:.2f} x its FFTs, {found.n_evaluations} evaluations")
