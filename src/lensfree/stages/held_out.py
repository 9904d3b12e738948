"""Held-out simulated fields, what the pipeline finds in them, and the dry masses of both."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lensfree.arrays import fft2, ifft2
from lensfree.config import Config
from lensfree.optics.hologram import Channel, build_transfers
from lensfree.phase.retrieve import Refine, retrieve
from lensfree.stages.training_fields import FieldMaker, FieldRecipe, TrueField
from lensfree.units import dry_mass_pg, optical_volume_um3

CULTURE = 1000
"""Stream of random numbers of the grown cultures; those of the densities count from 0."""

LEAST_CONTRAST = 0.1
"""The band of a hologram ends where coherence and pixels leave this share of the contrast."""

R2_MEANING = "1 - residual / total variance of dry mass over true outlines, found against true, no fit"


def held_out_fields(config: Config, cells_per_mm2: tuple[float, ...], n_fields: int) -> Iterator[TrueField]:
    """Yield fields at the nominal instrument, from seeds that no training uses."""
    for seed in config.evaluate.seeds:
        for index, density in enumerate(cells_per_mm2):
            rng = np.random.default_rng([seed, index])
            maker = _maker(density, config, rng)
            for _ in range(n_fields):
                yield maker.draw(rng)


def held_out_cultures(config: Config, cells_per_mm2: float, n_fields: int) -> Iterator[TrueField]:
    """Yield moments of cultures that grew to a density, one culture per seed; no training uses the seeds."""
    for seed in config.evaluate.seeds:
        rng = np.random.default_rng([seed, CULTURE])
        yield from _maker(cells_per_mm2, config, rng).draw_culture(n_fields, rng)


def _maker(cells_per_mm2: float, config: Config, rng: np.random.Generator) -> FieldMaker:
    evaluate = config.evaluate
    shape_yx = (evaluate.field_px * 3 // 4, evaluate.field_px)
    recipe = recipe_at(shape_yx, float(rng.uniform(*evaluate.z_um)), cells_per_mm2, config)
    return FieldMaker(recipe, config.optics, rng)


def recipe_at(shape_yx: tuple[int, ...], z_um: float, cells_per_mm2: float, config: Config) -> FieldRecipe:
    """Return the recipe of a field at the nominal instrument."""
    evaluate, fields = config.evaluate, config.fields
    return FieldRecipe(
        shape_yx=(shape_yx[0], shape_yx[1]),
        pixel_pitch_um=fields.pixel_pitch_um,
        wavelengths_nm=fields.wavelength_nm,
        z_um=z_um,
        colour_shift_um=fields.colour_shift_um,
        cells_per_mm2=cells_per_mm2,
        round_fraction=evaluate.round_fraction,
        sensor_noise=evaluate.sensor_noise,
        background_amplitude=fields.background_amplitude,
        background_error=fields.background_error,
    )


def retrieve_opd(field: TrueField, config: Config, refine: Refine | None) -> np.ndarray:
    """Return the OPD that the pipeline finds, geometry known."""
    return retrieve(
        field.intensity,
        field.channels,
        pixel_pitch_um=config.fields.pixel_pitch_um,
        optics=config.optics,
        config=config.reconstruct,
        refine=refine,
        saturated=field.saturated,
    ).opd_nm


def in_band(opd_nm: np.ndarray, z_um: float, config: Config) -> np.ndarray:
    """Return the part of an OPD map (y, x) at periods of which a hologram keeps contrast.

    They are kept whole: the retrieval divides by the contrast that coherence and pixels leave, as far as
    noise lets it.
    """
    room_px = 16
    padded = np.pad(opd_nm, room_px, mode="symmetric")
    like = np.empty(padded.shape, np.complex128)
    channel = Channel(config.fields.wavelength_nm[0], z_um)  # the envelopes know no wavelength
    pitch_um = config.fields.pixel_pitch_um
    (transfer,) = build_transfers([channel], like, pixel_pitch_um=pitch_um, optics=config.optics)
    filtered = ifft2(fft2(padded) * (abs(transfer) >= LEAST_CONTRAST)).real
    return filtered[room_px:-room_px, room_px:-room_px].astype(np.float32)


def masses_pg(field: TrueField, error_nm: np.ndarray, pixel_pitch_um: float) -> np.ndarray:
    """Return (3, cell) of whole cells: true and found dry mass over true outlines, 1 for rounded ones."""
    labels, n_cells = field.labels, len(field.cells)
    border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    size = np.bincount(labels.ravel(), minlength=n_cells + 1)
    is_whole = (size > 0) & ~np.isin(np.arange(n_cells + 1), border)
    is_whole[0] = False
    sums = [
        np.bincount(labels.ravel(), opd.ravel(), n_cells + 1)
        for opd in (field.opd_nm, field.opd_nm + error_nm)
    ]
    true_pg, found_pg = (dry_mass_pg(optical_volume_um3(s, pixel_pitch_um))[is_whole] for s in sums)
    is_round = (field.cells["state"].to_numpy() == "round")[is_whole[1:]]
    return np.stack([true_pg, found_pg, is_round.astype(float)])


def mass_r2(true_pg: np.ndarray, found_pg: np.ndarray) -> float:
    """Return 1 - sum of squared errors / total variance: unlike a squared correlation it sees bias."""
    return float(1 - np.sum((found_pg - true_pg) ** 2) / np.sum((true_pg - true_pg.mean()) ** 2))
