"""Dry mass of real cells in simulated holograms: of the movie's right half, whose left half trains, and of
red blood cells in fields that no training sees.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import tifffile
from scipy import ndimage

from lensfree.config import Config
from lensfree.phase.level import background_level_nm
from lensfree.phase.retrieve import Refine
from lensfree.simulate.real_cells import RealCells
from lensfree.stages.held_out import R2_MEANING, mass_r2, masses_pg, recipe_at, retrieve_opd
from lensfree.stages.measures import Measure
from lensfree.stages.outlined_movie import movie_frames
from lensfree.stages.training_fields import FieldMaker, TrueField

ABSORPTION_PER_NM = 1e-4

RED_CELLS_MAX_OPD_NM = 300.0
"""The same for the red blood cells: where they overlap, one alone has about half."""

RED_CELL_ABOVE = 0.25
SMALLEST_RED_CELL_PX = 40
"""Red blood cells come without outlines: connected pixels above this share of the brightest grey level."""


def run(config: Config, refine: Refine | None, folder: Path) -> dict[str, Measure]:
    """Measure in the demo's folder of real samples; the other microscopes' maps are the truth."""
    return {
        **_compare(
            "recon.semireal",
            ((one.opd_nm, one.outlines) for one in movie_frames(folder / "livecyte_movie")),
            "real cells of a movie's right half in simulated holograms",
            config,
            refine,
        ),
        **_compare(
            "recon.semireal_red_cells",
            _red_cells(folder / "rbc_phase"),
            "red blood cells of two held-out fields in simulated holograms",
            config,
            refine,
        ),
    }


def _red_cells(folder: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield OPD [nm] and outlines of the fields of red blood cells."""
    cells = RealCells(tifffile.imread(folder / "rbc_fields_5_to_6.tif"))
    for frame in range(len(cells.counts)):
        opd_nm = cells.frame_nm(frame, cells.nm_per_count(RED_CELLS_MAX_OPD_NM))
        outlines, _ = ndimage.label(opd_nm > RED_CELL_ABOVE * RED_CELLS_MAX_OPD_NM)
        is_large = np.bincount(outlines.ravel()) >= SMALLEST_RED_CELL_PX
        yield opd_nm, np.where(is_large[outlines], outlines, 0)


def _compare(
    key: str,
    samples: Iterable[tuple[np.ndarray, np.ndarray]],
    said: str,
    config: Config,
    refine: Refine | None,
) -> dict[str, Measure]:
    seeds = config.evaluate.seeds
    masses = []
    for index, (opd_nm, outlines) in enumerate(samples):
        rng = np.random.default_rng([seeds[index % len(seeds)], index])
        field = semireal_field(opd_nm, outlines, config, rng)
        error_nm = retrieve_opd(field, config, refine) - field.opd_nm
        masses.append(masses_pg(field, error_nm, config.fields.pixel_pitch_um))
    true_pg, found_pg, _ = np.concatenate(masses, axis=1)
    value, slope = mass_r2(true_pg, found_pg), float(np.polyfit(true_pg, found_pg, 1)[0])
    n_cells = len(true_pg)
    return {
        f"{key}_mass_r2": Measure(value, "1", "higher", n_cells, seeds, 0.97, f"{R2_MEANING}, {said}"),
        f"{key}_mass_slope": Measure(
            slope, "1", "between", n_cells, seeds, (0.95, 1.05), f"slope of found on true dry mass, {said}"
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
