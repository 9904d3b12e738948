"""Stage simulate: a culture with known truth -> the TIFF files that a microscope would write."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from lensfree.acquisitions import Acquisition
from lensfree.config import OpticsConfig, SimulateConfig
from lensfree.contracts import TRUTH
from lensfree.io.tables import write_table
from lensfree.optics.hologram import Channel
from lensfree.simulate.camera import add_camera, illumination
from lensfree.simulate.drift import draw_drift
from lensfree.simulate.holograms import box_around, build_paths, simulate_intensity
from lensfree.simulate.render import render_sample
from lensfree.simulate.world import simulate_world
from lensfree.sources import fill
from lensfree.units import MIN_PER_H

logger = logging.getLogger(__name__)


def run(
    *,
    acquisition: Acquisition,
    config: SimulateConfig,
    optics: OpticsConfig,
    out_dir: Path,
    truth: Path,
    provenance: Mapping[str, Any],
) -> None:
    """Write one TIFF per frame and colour, and a table of the cells whose centre lies in the field."""
    pitch_um, fine = acquisition.pixel_pitch_um, config.oversampling
    sensor_yx = (config.height_px, config.width_px)
    world_rng, optics_rng, camera_rng = (np.random.default_rng([config.seed, part]) for part in range(3))
    step_h = acquisition.frame_interval_min / MIN_PER_H
    shape_um = (sensor_yx[0] * pitch_um, sensor_yx[1] * pitch_um)
    world = simulate_world(
        config, shape_um=shape_um, frame_interval_min=acquisition.frame_interval_min, rng=world_rng
    )
    shifts_um = optics_rng.uniform(-1, 1, (len(acquisition.channels), 2)) * config.colour_shift_um
    shifts_um[0] = 0
    channels = [
        Channel(wavelength_nm, config.z_um, float(y), float(x))
        for wavelength_nm, (y, x) in zip(acquisition.wavelength_nm, shifts_um, strict=True)
    ]
    light = illumination(sensor_yx, optics_rng, config.background_amplitude, n_channels=len(channels))
    drift = draw_drift(optics_rng, config.drift_nm)
    box = box_around(sensor_yx, pitch_um)
    fine_yx = (box.shape_yx[0] * fine, box.shape_yx[1] * fine)
    paths = build_paths(
        channels,
        fine_yx,
        pixel_pitch_um=pitch_um / fine,
        optics=optics,
        spectral_lines=config.spectral_lines,
    )
    for frame in range(config.frames):
        cells = world[world["frame"] == frame]
        boxed = box.to_box(cells, pitch_um)
        background_nm = drift.at(frame * step_h, fine_yx, pitch_um / fine)
        opd_nm, absorption = render_sample(boxed, box.shape_yx, pitch_um, fine)
        intensity = simulate_intensity(
            opd_nm + background_nm,
            absorption,
            channels,
            pixel_pitch_um=pitch_um,
            optics=optics,
            spectral_lines=config.spectral_lines,
            oversampling=fine,
            paths=paths,
        )
        counts = add_camera(
            box.crop(intensity),
            background=light,
            noise=config.sensor_noise,
            open_beam_counts=config.open_beam_counts,
            bits=config.bits,
            rng=camera_rng,
        )
        for channel, image in zip(acquisition.channels, counts, strict=True):
            path = Path(fill(acquisition.files, frame=f"{frame:04d}", channel=channel))
            path.parent.mkdir(parents=True, exist_ok=True)
            tifffile.imwrite(path, image)
        if frame % 20 == 19:
            logger.info("simulated frame %d of %d", frame + 1, config.frames)
    is_inside = world["y_um"].between(0, shape_um[0]) & world["x_um"].between(0, shape_um[1])
    out_dir.mkdir(parents=True, exist_ok=True)
    write_table(truth, world.loc[is_inside, list(TRUTH.columns)], TRUTH, provenance=provenance)
