"""How thick a round cell may be before its phase is lost, with and without the CNN step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from lensfree.config import Config
from lensfree.phase.retrieve import Refine
from lensfree.stages.held_out import masses_pg, recipe_at, retrieve_opd
from lensfree.stages.measures import Measure
from lensfree.stages.training_fields import FieldMaker, TrueField

MAX_OPD_NM = (100, 200, 300, 400, 600, 800, 1000, 1250, 1500)
RADIUS_UM = (5.0, 8.0)
SPACING_UM = 75.0
RIGHT = 0.1
"""A cell is right if its dry mass is within this share of the true one."""

ABSORPTION_PER_NM = 1e-4


def run(config: Config, refine: Refine | None) -> dict[str, Measure]:
    """Measure the share of round cells that come out right, per maximum OPD, with the CNN and without."""
    measures = {}
    for index, peak_nm in enumerate(MAX_OPD_NM):
        ratios: dict[str, list[np.ndarray]] = {"": [], "_without_cnn": []}
        for seed in config.evaluate.seeds:
            field = round_cells(float(peak_nm), config, np.random.default_rng([seed, 2000 + index]))
            for suffix, step in (("", refine), ("_without_cnn", None)):
                error_nm = retrieve_opd(field, config, step) - field.opd_nm
                true_pg, found_pg, _ = masses_pg(field, error_nm, config.fields.pixel_pitch_um)
                ratios[suffix].append(found_pg / true_pg)
        for suffix, parts in ratios.items():
            ratio = np.concatenate(parts)
            how = "without the CNN step" if suffix else "with the CNN step"
            measures[f"recon.wraps_{peak_nm}nm_right{suffix}"] = Measure(
                float(np.mean(np.abs(ratio - 1) <= RIGHT)),
                "1",
                "higher",
                len(ratio),
                config.evaluate.seeds,
                None,
                f"share of round cells of {peak_nm} nm maximum OPD whose dry mass is within 10 %, {how}",
            )
    return measures


def round_cells(peak_nm: float, config: Config, rng: np.random.Generator) -> TrueField:
    """Return a field of half-ellipsoids of one maximum OPD on a jittered grid, and its holograms."""
    pitch_um = config.fields.pixel_pitch_um
    shape_yx = (config.evaluate.field_px * 3 // 8, config.evaluate.field_px // 2)
    y_um, x_um = np.indices(shape_yx) * pitch_um
    opd_nm, labels = np.zeros(shape_yx, np.float32), np.zeros(shape_yx, np.int32)
    n_cells = 0
    for centre_y in np.arange(SPACING_UM / 2, shape_yx[0] * pitch_um, SPACING_UM):
        for centre_x in np.arange(SPACING_UM / 2, shape_yx[1] * pitch_um, SPACING_UM):
            off_y, off_x = rng.uniform(-0.2, 0.2, 2) * SPACING_UM
            radius_um = rng.uniform(*RADIUS_UM)
            part = ((y_um - centre_y - off_y) ** 2 + (x_um - centre_x - off_x) ** 2) / radius_um**2
            opd_nm += np.float32(peak_nm) * np.sqrt(np.clip(1 - part, 0, None)).astype(np.float32)
            n_cells += 1
            labels[part < 1] = n_cells
    recipe = recipe_at(shape_yx, float(rng.uniform(*config.evaluate.z_um)), 0.0, config)
    maker = FieldMaker(recipe, config.optics, rng)
    field = maker.expose(maker.mirrored(opd_nm), ABSORPTION_PER_NM, rng)
    return replace(field, labels=labels, cells=pd.DataFrame({"state": ["round"] * n_cells}))
