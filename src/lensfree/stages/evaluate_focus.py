"""Accuracy of the focus on simulated fields and on real holograms whose distance is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import tifffile

from lensfree.config import Config, FocusConfig, OpticsConfig
from lensfree.optics.background import smooth_background
from lensfree.optics.focus import central_field
from lensfree.optics.hologram import Channel
from lensfree.phase.retrieve import Refine
from lensfree.saturation import saturated_pixels
from lensfree.stages.distance import DistanceFinder
from lensfree.stages.evaluate_beads import DISTANCES_MM, LASER, PITCH_UM, WAVELENGTH_NM
from lensfree.stages.held_out import recipe_at
from lensfree.stages.measures import Measure
from lensfree.stages.training_fields import FieldMaker, TrueField
from lensfree.units import NM_PER_UM

STREAM = 3000
"""Stream of random numbers of these fields; those of the densities count from 0."""

SEARCH = 2.0
"""Distances from the true one over this factor to this factor times it are searched in real holograms."""

DCOD_PITCH_UM, DCOD_UM = 1.12, {"cheek_cells": 238.0, "rbcs": 315.0, "usaf_1951": 1065.0}


def run(config: Config, refine: Refine | None, real: Path) -> dict[str, Measure]:
    """Measure the largest relative error of the distance per kind of sample; `real` is the demo's data.

    Simulated fields are searched over the range of the configuration, once without the CNN step and then
    settled with it. The real samples are of kinds that no CNN step has seen: they go without.
    """
    laser = config.optics.model_copy(update=LASER)
    simulated = [_simulated_errors(field, config, refine) for field in fields(config)]
    dcod = [
        _real_error(*_dcod(real / "dcod", name, config), DCOD_PITCH_UM, laser, config) for name in DCOD_UM
    ]
    beads = [
        _real_error(*_beads(real / "beads_multiheight", z_mm), PITCH_UM, laser, config)
        for z_mm in DISTANCES_MM["beads6"]
    ]
    said, seeds = "largest error of the distance found", config.evaluate.seeds
    z_mm = f"{min(config.evaluate.focus_z_um) / 1000:g} to {max(config.evaluate.focus_z_um) / 1000:g} mm"
    with_cnn, without = zip(*simulated, strict=True)
    return {
        "recon.z_error_percent_sim": _largest(
            with_cnn, seeds, 1.0, f"{said}, simulated RGB fields, {z_mm}, as the pipeline does"
        ),
        "recon.z_error_percent_sim_without_cnn": _largest(
            without, seeds, None, f"{said}, simulated RGB fields, {z_mm}, without the CNN step"
        ),
        "recon.z_error_percent_dcod": _largest(
            dcod, (), 2.0, f"{said}, real cheek cells, red blood cells and USAF target"
        ),
        "recon.z_error_percent_beads": _largest(
            beads, (), 5.0, f"{said}, real beads from {DISTANCES_MM['beads6']} mm, one at a time"
        ),
    }


def fields(config: Config) -> Iterator[TrueField]:
    """Yield a held-out field per distance of `evaluate.focus_z_um`; seeds and densities take turns."""
    evaluate = config.evaluate
    shape_yx = (evaluate.field_px * 3 // 4, evaluate.field_px)
    densities = evaluate.recon_cells_per_mm2
    for index, z_um in enumerate(evaluate.focus_z_um):
        rng = np.random.default_rng([evaluate.seeds[index % len(evaluate.seeds)], STREAM + index])
        recipe = recipe_at(shape_yx, z_um, densities[index % len(densities)], config)
        yield FieldMaker(recipe, config.optics, rng).draw(rng)


def _simulated_errors(field: TrueField, config: Config, refine: Refine | None) -> tuple[float, float]:
    """Return the errors in percent with the CNN step and without."""
    true_um, pitch_um = field.channels[0].z_um, config.fields.pixel_pitch_um
    finder = DistanceFinder(pitch_um, config.optics, config.focus, config.reconstruct)
    middle = _middle(field.intensity, config.focus), _middle(field.saturated, config.focus)
    found = finder.find(middle[0], _blind(field.channels), middle[1])
    settled = None
    if refine is not None:
        settled = replace(finder, refine=refine).settle(middle[0], found, middle[1])
    return _percent(settled or found, true_um), _percent(found, true_um)


def _real_error(
    intensity: np.ndarray,
    saturated: np.ndarray,
    channel: Channel,
    pixel_pitch_um: float,
    optics: OpticsConfig,
    config: Config,
) -> float:
    search = config.focus.model_copy(
        update={"z_min_um": channel.z_um / SEARCH, "z_max_um": channel.z_um * SEARCH}
    )
    finder = DistanceFinder(pixel_pitch_um, optics, search, config.reconstruct)
    found = finder.find(_middle(intensity, search), _blind([channel]), _middle(saturated, search))
    return _percent(found, channel.z_um)


def _dcod(folder: Path, name: str, config: Config) -> tuple[np.ndarray, np.ndarray, Channel]:
    """Return the hologram over its background, or over its own wide smoothing where there is none."""
    counts = tifffile.imread(folder / f"{name}_hologram.tif")[None]
    given = folder / f"{name}_background.tif"
    background = (
        tifffile.imread(given).astype(np.float32)[None]
        if given.exists()
        else smooth_background(counts, smooth_um=config.load.smooth_um, pixel_pitch_um=DCOD_PITCH_UM)
    )
    return _levelled(counts / background), saturated_pixels(counts), Channel(WAVELENGTH_NM, DCOD_UM[name])


def _beads(folder: Path, z_mm: int) -> tuple[np.ndarray, np.ndarray, Channel]:
    counts = tifffile.imread(folder / f"beads_0000_z{z_mm:02d}mm.tif")[None]
    return _levelled(counts), saturated_pixels(counts), Channel(WAVELENGTH_NM, z_mm * NM_PER_UM)


def _levelled(intensity: np.ndarray) -> np.ndarray:
    return (intensity / np.median(intensity)).astype(np.float32)


def _middle(image: np.ndarray, config: FocusConfig) -> np.ndarray:
    return np.ascontiguousarray(central_field(image, config.field_px))


def _blind(channels: list[Channel]) -> list[Channel]:
    """Return channels of which only the wavelength is known."""
    return [Channel(channel.wavelength_nm, 0.0) for channel in channels]


def _percent(found: list[Channel], true_um: float) -> float:
    return abs(found[0].z_um / true_um - 1) * 100


def _largest(errors: Sequence[float], seeds: tuple[int, ...], target: float | None, meaning: str) -> Measure:
    return Measure(max(errors), "%", "lower", len(errors), seeds, target, meaning)
