"""Accuracy of the focus on simulated fields and on real holograms whose distance is known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import tifffile

from lensfree.config import Config, OpticsConfig
from lensfree.optics.background import smooth_background
from lensfree.optics.focus import central_field
from lensfree.optics.hologram import Channel
from lensfree.stages.evaluate_beads import DISTANCES_MM, LASER, PITCH_UM, WAVELENGTH_NM
from lensfree.stages.focus import find_geometry
from lensfree.stages.measures import Measure
from lensfree.stages.training_fields import TrueField
from lensfree.units import NM_PER_UM

SEARCH = 2.0
"""Distances from the true one over this factor to this factor times it are searched."""
DCOD_PITCH_UM, DCOD_UM = 1.12, {"cheek_cells": 238.0, "usaf_1951": 1065.0}


def run(*, config: Config, fields: Iterable[TrueField], real: Path) -> dict[str, Measure]:
    """Measure the largest relative error of the distance per kind of sample; `real` is the demo's data."""
    laser = config.optics.model_copy(update=LASER)
    simulated = [
        _error_percent(f.intensity, f.channels, config.fields.pixel_pitch_um, config.optics, config)
        for f in fields
    ]
    dcod = [
        _error_percent(
            _dcod(real / "dcod", name, config), [Channel(WAVELENGTH_NM, z_um)], DCOD_PITCH_UM, laser, config
        )
        for name, z_um in DCOD_UM.items()
    ]
    beads = []
    for z_mm in DISTANCES_MM["beads3"]:
        counts = tifffile.imread(real / "beads_multiheight" / f"beads_0000_z{z_mm:02d}mm.tif")
        intensity = (counts / np.median(counts))[None].astype(np.float32)
        channel = Channel(WAVELENGTH_NM, z_mm * NM_PER_UM)
        beads.append(_error_percent(intensity, [channel], PITCH_UM, laser, config))
    said = "largest error of the distance found"
    return {
        "recon.z_error_percent_sim": _largest(
            simulated, config.evaluate.seeds, f"{said}, simulated RGB fields"
        ),
        "recon.z_error_percent_dcod": _largest(dcod, (), f"{said}, real cheek cells and USAF target"),
        "recon.z_error_percent_beads": _largest(
            beads, (), f"{said}, real beads from {DISTANCES_MM['beads3']} mm, one at a time"
        ),
    }


def _error_percent(
    intensity: np.ndarray,
    channels: list[Channel],
    pixel_pitch_um: float,
    optics: OpticsConfig,
    config: Config,
) -> float:
    true_um = channels[0].z_um
    search = config.focus.model_copy(update={"z_min_um": true_um / SEARCH, "z_max_um": true_um * SEARCH})
    middle = np.ascontiguousarray(central_field(intensity, search.field_px))
    blind = [replace(channel, z_um=0.0, shift_y_um=0.0, shift_x_um=0.0) for channel in channels]
    found = find_geometry(middle, blind, pixel_pitch_um, optics, search, config.reconstruct)
    return abs(found[0].z_um / true_um - 1) * 100


def _dcod(folder: Path, name: str, config: Config) -> np.ndarray:
    """Return the hologram over its background, or over its own wide smoothing where there is none."""
    counts = tifffile.imread(folder / f"{name}_hologram.tif").astype(np.float32)[None]
    given = folder / f"{name}_background.tif"
    background = (
        tifffile.imread(given).astype(np.float32)[None]
        if given.exists()
        else smooth_background(counts, smooth_um=config.load.smooth_um, pixel_pitch_um=DCOD_PITCH_UM)
    )
    intensity = counts / background
    return (intensity / np.median(intensity)).astype(np.float32)


def _largest(errors: list[float], seeds: tuple[int, ...], meaning: str) -> Measure:
    return Measure(max(errors), "%", "lower", len(errors), seeds, None, meaning)
