"""Simulated single fields for training and evaluation: holograms with everything that is true of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lensfree.config import FieldsConfig, OpticsConfig
from lensfree.optics.hologram import Channel
from lensfree.saturation import saturated_pixels
from lensfree.simulate.camera import add_camera, illumination
from lensfree.simulate.culture import culture_fields
from lensfree.simulate.drift import draw_drift
from lensfree.simulate.holograms import LightPaths, box_around, build_paths, simulate_intensity
from lensfree.simulate.population import random_field
from lensfree.simulate.real_cells import RealCells, block_mean, upsample
from lensfree.simulate.render import render_labels, render_sample

OVERSAMPLING = 2
SPECTRAL_LINES = 3
OPEN_BEAM_COUNTS = 140
REAL_ABSORPTION_PER_NM = 2e-4
"""Largest absorption of real cells per OPD, drawn; simulated cells have about half of it."""


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
        round_opd_gain: range of gains on OPD and dry mass of rounded cells.
        drift_nm: sd of a slow OPD that is no cell; cells, light and noise are the same without it.
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
    round_opd_gain: tuple[float, float] = (1.0, 1.0)
    drift_nm: float = 0.0


@dataclass(frozen=True)
class TrueField:
    """Normalised holograms (channel, y, x) and their truth on the sensor's grid."""

    intensity: np.ndarray
    saturated: np.ndarray
    channels: list[Channel]
    opd_nm: np.ndarray
    absorption: np.ndarray
    labels: np.ndarray
    cells: pd.DataFrame


def draw_recipe(rng: np.random.Generator, fields: FieldsConfig) -> FieldRecipe:
    """Draw one recipe from the ranges of the configuration."""
    colours = np.asarray(fields.wavelength_nm)
    if rng.random() < fields.fewer_colours and len(colours) > 1:
        kept = rng.choice(len(colours), int(rng.integers(1, len(colours))), replace=False)
        colours = colours[np.sort(kept)]
    spread_nm = rng.uniform(-1, 1, len(colours)) * fields.wavelength_spread_nm
    return FieldRecipe(
        shape_yx=(fields.side_px, fields.side_px),
        pixel_pitch_um=fields.pixel_pitch_um,
        wavelengths_nm=tuple(float(w) for w in colours + spread_nm),
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
        recipe = self.recipe
        yx, pitch_um, density = self._box.shape_yx, recipe.pixel_pitch_um, recipe.cells_per_mm2
        cells = random_field(rng, yx, pitch_um, density, recipe.round_fraction)
        if recipe.round_opd_gain != (1.0, 1.0):
            is_round = (cells["state"] == "round").to_numpy()
            low, high = np.log(recipe.round_opd_gain)
            gain = np.exp(rng.uniform(low, high, len(cells)))
            for name in ("max_opd_nm", "dry_mass_pg"):
                cells[name] *= np.where(is_round, gain, 1.0)
        return self._of_cells(cells, rng)

    def draw_culture(self, n_fields: int, rng: np.random.Generator) -> Iterator[TrueField]:
        """Draw moments of one growing culture, each with light and noise of its own."""
        recipe = self.recipe
        yx, pitch_um, density = self._box.shape_yx, recipe.pixel_pitch_um, recipe.cells_per_mm2
        for cells in culture_fields(rng, yx, pitch_um, density, n_fields):
            yield self._of_cells(cells, rng)

    def _of_cells(self, cells: pd.DataFrame, rng: np.random.Generator) -> TrueField:
        box, pitch_um = self._box, self.recipe.pixel_pitch_um
        fine_nm, fine_absorption = render_sample(cells, box.shape_yx, pitch_um, OVERSAMPLING)
        if self.recipe.drift_nm > 0:
            drift = draw_drift(rng.spawn(1)[0], self.recipe.drift_nm)  # leaves the draws of rng as they are
            fine_nm = fine_nm + drift.at(0.0, fine_nm.shape, pitch_um / OVERSAMPLING)
        intensity, saturated = self._record(fine_nm, fine_absorption, rng)
        opd_nm, absorption = render_sample(cells, box.shape_yx, pitch_um)
        return TrueField(
            intensity=intensity,
            saturated=saturated,
            channels=self.channels,
            opd_nm=box.crop(opd_nm),
            absorption=box.crop(absorption),
            labels=box.crop(render_labels(cells, box.shape_yx, pitch_um)),
            cells=box.to_sensor(cells, pitch_um),
        )

    def draw_real(self, real: RealCells, nm_per_count: float, rng: np.random.Generator) -> TrueField:
        """Draw a mosaic of real cells, and light and noise anew; it has no outlines and no table of cells."""
        opd_nm = real.mosaic_nm(self._box.shape_yx, nm_per_count, rng)
        return self.expose(opd_nm, rng.uniform(0, REAL_ABSORPTION_PER_NM), rng)

    def expose(self, opd_nm: np.ndarray, absorption_per_nm: float, rng: np.random.Generator) -> TrueField:
        """Record a given OPD map (y, x) of the whole box [nm] whose absorption goes with its OPD."""
        fine_nm = upsample(opd_nm, OVERSAMPLING)
        fine_absorption = np.maximum(fine_nm, 0) * np.float32(absorption_per_nm)
        intensity, saturated = self._record(fine_nm, fine_absorption, rng)
        return TrueField(
            intensity=intensity,
            saturated=saturated,
            channels=self.channels,
            opd_nm=self._box.crop(block_mean(fine_nm, OVERSAMPLING)),
            absorption=self._box.crop(block_mean(fine_absorption, OVERSAMPLING)),
            labels=np.zeros(self.recipe.shape_yx, np.int32),
            cells=pd.DataFrame(),
        )

    def mirrored(self, opd_nm: np.ndarray) -> np.ndarray:
        """Return a map (y, x) of the sensor's field continued into the box's margin by mirroring."""
        before = self._box.margin_yx
        after = np.subtract(self._box.shape_yx, np.add(before, opd_nm.shape))
        return np.pad(opd_nm, list(zip(before, after, strict=True)), mode="symmetric")

    def _record(
        self, fine_opd_nm: np.ndarray, fine_absorption: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return what the camera saw of a finely sampled sample over an imperfect background, and where
        it saturated.
        """
        recipe, n_channels = self.recipe, len(self.channels)
        light_at_sensor = simulate_intensity(
            fine_opd_nm,
            fine_absorption,
            self.channels,
            pixel_pitch_um=recipe.pixel_pitch_um,
            optics=self._optics,
            spectral_lines=SPECTRAL_LINES,
            oversampling=OVERSAMPLING,
            paths=self._paths,
        )
        light = illumination(recipe.shape_yx, rng, recipe.background_amplitude, n_channels=n_channels)
        counts = add_camera(
            self._box.crop(light_at_sensor),
            background=light,
            noise=recipe.sensor_noise,
            open_beam_counts=OPEN_BEAM_COUNTS,
            bits=8,
            rng=rng,
        )
        error = illumination(recipe.shape_yx, rng, recipe.background_error, n_channels=n_channels)
        intensity = (counts / (OPEN_BEAM_COUNTS * light * error)).astype(np.float32)
        return intensity, saturated_pixels(counts)
