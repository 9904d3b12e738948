"""Simulated single fields for training and evaluation: holograms with everything that is true of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from lensfree.config import FieldsConfig, OpticsConfig
from lensfree.optics.hologram import Channel
from lensfree.simulate.camera import add_camera, illumination
from lensfree.simulate.holograms import LightPaths, box_around, build_paths, simulate_intensity
from lensfree.simulate.population import random_field
from lensfree.simulate.render import render_labels, render_sample

OVERSAMPLING = 2
SPECTRAL_LINES = 3
OPEN_BEAM_COUNTS = 140


@dataclass(frozen=True)
class FieldRecipe:
    """What a field is made of.

    Attributes:
        shape_yx: pixels of the sensor.
        pixel_pitch_um: pitch of the sensor.
        wavelengths_nm: one per colour.
        z_um: distance to the sensor.
        colour_shift_um: largest lateral shift of a colour against the first.
        cells_per_mm2: density.
        round_fraction: share of rounded cells.
        sensor_noise: sd at open-beam intensity.
        background_amplitude: structure of the illumination.
        background_error: sd of what is left of it after division by the measured background.
    """

    shape_yx: tuple[int, int]
    pixel_pitch_um: float
    wavelengths_nm: tuple[float, ...]
    z_um: float
    colour_shift_um: float
    cells_per_mm2: float
    round_fraction: float
    sensor_noise: float
    background_amplitude: float
    background_error: float


@dataclass(frozen=True)
class TrueField:
    """Normalised holograms (channel, y, x) and their truth on the sensor's grid."""

    intensity: np.ndarray
    channels: list[Channel]
    opd_nm: np.ndarray
    absorption: np.ndarray
    labels: np.ndarray
    cells: pd.DataFrame


def draw_recipe(rng: np.random.Generator, fields: FieldsConfig) -> FieldRecipe:
    """Draw one recipe from the ranges of the configuration."""
    spread_nm = rng.uniform(-1, 1, len(fields.wavelength_nm)) * fields.wavelength_spread_nm
    return FieldRecipe(
        shape_yx=(fields.side_px, fields.side_px),
        pixel_pitch_um=fields.pixel_pitch_um,
        wavelengths_nm=tuple(float(w) for w in np.add(fields.wavelength_nm, spread_nm)),
        z_um=float(rng.uniform(*fields.z_um)),
        colour_shift_um=fields.colour_shift_um,
        cells_per_mm2=float(rng.uniform(*fields.cells_per_mm2)),
        round_fraction=fields.round_fraction,
        sensor_noise=float(np.exp(rng.uniform(*np.log(fields.sensor_noise)))),
        background_amplitude=fields.background_amplitude,
        background_error=fields.background_error,
    )


class FieldMaker:
    """Fields of one recipe; the light paths are built once and shared."""

    def __init__(self, recipe: FieldRecipe, optics: OpticsConfig, rng: np.random.Generator) -> None:
        self.recipe = recipe
        self._optics = optics
        self._box = box_around(recipe.shape_yx, recipe.pixel_pitch_um)
        shifts_um = rng.uniform(-1, 1, (len(recipe.wavelengths_nm), 2)) * recipe.colour_shift_um
        shifts_um[0] = 0
        self.channels = [
            Channel(w, recipe.z_um, y, x) for w, (y, x) in zip(recipe.wavelengths_nm, shifts_um, strict=True)
        ]
        fine_yx = (self._box.shape_yx[0] * OVERSAMPLING, self._box.shape_yx[1] * OVERSAMPLING)
        self._paths: LightPaths = build_paths(
            self.channels,
            fine_yx,
            pixel_pitch_um=recipe.pixel_pitch_um / OVERSAMPLING,
            optics=optics,
            spectral_lines=SPECTRAL_LINES,
        )

    def draw(self, rng: np.random.Generator) -> TrueField:
        """Draw cells, light and noise anew."""
        recipe, box, pitch_um = self.recipe, self._box, self.recipe.pixel_pitch_um
        cells = random_field(rng, box.shape_yx, pitch_um, recipe.cells_per_mm2, recipe.round_fraction)
        intensity = box.crop(
            simulate_intensity(
                *render_sample(cells, box.shape_yx, pitch_um, OVERSAMPLING),
                self.channels,
                pixel_pitch_um=pitch_um,
                optics=self._optics,
                spectral_lines=SPECTRAL_LINES,
                oversampling=OVERSAMPLING,
                paths=self._paths,
            )
        )
        n_channels = len(self.channels)
        light = illumination(recipe.shape_yx, rng, recipe.background_amplitude, n_channels=n_channels)
        counts = add_camera(
            intensity,
            background=light,
            noise=recipe.sensor_noise,
            open_beam_counts=OPEN_BEAM_COUNTS,
            bits=8,
            rng=rng,
        )
        opd_nm, absorption = render_sample(cells, box.shape_yx, pitch_um)
        error = illumination(recipe.shape_yx, rng, recipe.background_error, n_channels=n_channels)
        return TrueField(
            intensity=(counts / (OPEN_BEAM_COUNTS * light * error)).astype(np.float32),
            channels=self.channels,
            opd_nm=box.crop(opd_nm),
            absorption=box.crop(absorption),
            labels=box.crop(render_labels(cells, box.shape_yx, pitch_um)),
            cells=box.to_sensor(cells, pitch_um),
        )
