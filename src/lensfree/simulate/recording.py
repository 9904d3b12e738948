"""A culture before the microscope: from the cells of every frame to the counts of its camera."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from lensfree.config import OpticsConfig, SimulateConfig
from lensfree.optics.hologram import Channel
from lensfree.simulate.camera import add_camera, illumination
from lensfree.simulate.drift import draw_drift
from lensfree.simulate.faults import Faults
from lensfree.simulate.holograms import box_around, build_paths, simulate_intensity
from lensfree.simulate.render import render_sample

logger = logging.getLogger(__name__)


def record_frames(
    cells: pd.DataFrame,
    faults: Faults,
    config: SimulateConfig,
    *,
    optics: OpticsConfig,
    wavelength_nm: Sequence[float],
    pixel_pitch_um: float,
    step_h: float,
    optics_rng: np.random.Generator,
    camera_rng: np.random.Generator,
) -> Iterator[np.ndarray]:
    """Record the frames one by one, with weak light and a wrong distance where the faults say so.

    Args:
        cells: rows of all frames, at the positions at which the sensor sees them (`Faults.displace`).
        faults: what goes wrong; files that are cut short are left to whoever writes them.
        config: sensor, distance, noise and grey levels.
        optics: the instrument.
        wavelength_nm: centre wavelength of each colour.
        pixel_pitch_um: pitch of the sensor.
        step_h: time between frames.
        optics_rng: source of the colours' shifts, the illumination and the drift.
        camera_rng: source of the noise; a fault draws nothing from it.

    Yields:
        Counts (channel, y, x) of every frame, uint8 or uint16.
    """
    fine = config.oversampling
    sensor_yx = (config.height_px, config.width_px)
    shifts_um = optics_rng.uniform(-1, 1, (len(wavelength_nm), 2)) * config.colour_shift_um
    shifts_um[0] = 0
    light = illumination(sensor_yx, optics_rng, config.background_amplitude, n_channels=len(wavelength_nm))
    # The lamp and what drifts in the medium do not move with the stage.
    drift = draw_drift(optics_rng, config.drift_nm)
    box = box_around(sensor_yx, pixel_pitch_um)
    fine_yx = (box.shape_yx[0] * fine, box.shape_yx[1] * fine)
    channels: list[Channel] = []
    paths = None
    for frame in range(config.frames):
        z_um = config.z_um + float(faults.z_offset_um[frame])
        if paths is None or z_um != channels[0].z_um:
            paths = None  # transfer functions are large: never hold those of two distances
            channels = [
                Channel(w, z_um, float(y), float(x))
                for w, (y, x) in zip(wavelength_nm, shifts_um, strict=True)
            ]
            paths = build_paths(
                channels,
                fine_yx,
                pixel_pitch_um=pixel_pitch_um / fine,
                optics=optics,
                spectral_lines=config.spectral_lines,
            )
        boxed = box.to_box(cells[cells["frame"] == frame], pixel_pitch_um)
        background_nm = drift.at(frame * step_h, fine_yx, pixel_pitch_um / fine)
        opd_nm, absorption = render_sample(boxed, box.shape_yx, pixel_pitch_um, fine)
        intensity = simulate_intensity(
            opd_nm + background_nm,
            absorption,
            channels,
            pixel_pitch_um=pixel_pitch_um,
            optics=optics,
            spectral_lines=config.spectral_lines,
            oversampling=fine,
            paths=paths,
        )
        yield add_camera(
            box.crop(intensity),
            background=light * faults.light[frame][:, None, None],
            noise=config.sensor_noise,
            open_beam_counts=config.open_beam_counts,
            bits=config.bits,
            rng=camera_rng,
        )
        if frame % 20 == 19:
            logger.info("simulated frame %d of %d", frame + 1, config.frames)
