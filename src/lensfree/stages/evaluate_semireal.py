"""Dry mass of real cells in simulated holograms: right half of the movie, whose left half trains."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import tifffile

from lensfree.config import Config
from lensfree.phase.level import background_level_nm
from lensfree.phase.retrieve import Refine
from lensfree.simulate.real_cells import RealCells
from lensfree.stages.held_out import R2_MEANING, mass_r2, masses_pg, recipe_at, retrieve_opd
from lensfree.stages.measures import Measure
from lensfree.stages.training_fields import FieldMaker, TrueField

MAX_OPD_NM = 600.0
"""OPD of the brightest grey level: cells wrap, as rounded ones do."""

OUTLINES_EVERY = 30
"""The outlines are those of every how many frames of the movie."""

ABSORPTION_PER_NM = 1e-4


def run(config: Config, refine: Refine | None, folder: Path) -> dict[str, Measure]:
    """Measure on every frame that has outlines; the other microscope's maps are the truth."""
    movie = RealCells(tifffile.imread(folder / "mda_mb_231_phase.tif")).half("right")
    outlines = tifffile.imread(folder / "mda_mb_231_outlines.tif")[:, :, -movie.counts.shape[2] :]
    seeds = config.evaluate.seeds
    masses = []
    for index, outline in enumerate(outlines):
        rng = np.random.default_rng([seeds[index % len(seeds)], index])
        field = semireal_field(
            movie.frame_nm(index * OUTLINES_EVERY, movie.nm_per_count(MAX_OPD_NM)), outline, config, rng
        )
        error_nm = retrieve_opd(field, config, refine) - field.opd_nm
        masses.append(masses_pg(field, error_nm, config.fields.pixel_pitch_um))
    true_pg, found_pg, _ = np.concatenate(masses, axis=1)
    said = "real cells of a movie's right half in simulated holograms"
    value, slope = mass_r2(true_pg, found_pg), float(np.polyfit(true_pg, found_pg, 1)[0])
    n_cells = len(true_pg)
    return {
        "recon.semireal_mass_r2": Measure(
            value, "1", "higher", n_cells, seeds, None, f"{R2_MEANING}, {said}"
        ),
        "recon.semireal_mass_slope": Measure(
            slope, "1", "between", n_cells, seeds, None, f"slope of found on true dry mass, {said}"
        ),
    }


def semireal_field(
    opd_nm: np.ndarray, outlines: np.ndarray, config: Config, rng: np.random.Generator
) -> TrueField:
    """Return the holograms of a measured OPD map (y, x) with its outlines; the level of truth is 0."""
    recipe = recipe_at(opd_nm.shape, float(rng.uniform(*config.evaluate.z_um)), 0.0, config)
    maker = FieldMaker(recipe, config.optics, rng)
    field = maker.expose(maker.mirrored(opd_nm), ABSORPTION_PER_NM, rng)
    names, labels = np.unique(outlines, return_inverse=True)
    return replace(
        field,
        opd_nm=field.opd_nm - np.float32(background_level_nm(field.opd_nm)),
        labels=labels.reshape(outlines.shape).astype(np.int32),
        cells=pd.DataFrame({"state": ["flat"] * (len(names) - 1)}),
    )
