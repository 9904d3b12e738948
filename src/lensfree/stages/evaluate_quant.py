"""Accuracy of the quantification, with the whole optics and reconstruction before it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from lensfree.cells.pairing import detection, is_inside, pair_cells, regression
from lensfree.cells.peaks import find_peaks
from lensfree.cells.representation import MEASURES
from lensfree.config import Config
from lensfree.stages.held_out import held_out_cultures, held_out_fields, retrieve_opd
from lensfree.stages.measures import Measure
from lensfree.stages.refine import load_refine
from lensfree.stages.represent import load_represent
from lensfree.stages.training_fields import TrueField

BORDER_UM = 20.0
MODERATE_PER_MM2 = 260.0
SHORT = {"dry_mass_pg": "mass", "area_um2": "area", "max_opd_nm": "max_opd", "length_um": "length"}
GROWN = ", in cultures that grew for 15 to 30 h to"
TARGETS = {"precision": 0.97, "recall": 0.97, "mass_r2": 0.87}


def run(*, config: Config, refine_weights: Path | None, quantify_weights: Path) -> dict[str, Measure]:
    """Measure detection and the four measures per density, in grown cultures, and at moderate densities.

    Cells nearer to the border than 20 um do not count on either side; pairs are nearer than 10 um.
    """
    refine, represent = load_refine(refine_weights), load_represent(quantify_weights)
    evaluate, pitch_um = config.evaluate, config.fields.pixel_pitch_um

    def look(field: TrueField) -> Look:
        opd_nm = retrieve_opd(field, config, refine)
        found = find_peaks(represent(opd_nm, pitch_um), pitch_um, config.quantify)
        return Look(found, field.cells, opd_nm.shape, pitch_um)

    looks = {
        density: [look(field) for field in held_out_fields(config, (density,), evaluate.fields)]
        for density in evaluate.quant_cells_per_mm2
    }
    measures = {}
    for density, some in looks.items():
        measures.update(_summary(f"quant.{density:g}", some, evaluate.seeds, {}))
    density = evaluate.quant_culture_cells_per_mm2
    grown = [look(field) for field in held_out_cultures(config, density, evaluate.fields)]
    measures.update(_summary("quant.culture", grown, evaluate.seeds, {}, f"{GROWN} {density:g} cells/mm2"))
    moderate = [look for density, some in looks.items() if density <= MODERATE_PER_MM2 for look in some]
    return {**measures, **_summary("quant", moderate, evaluate.seeds, TARGETS)}


class Look:
    """One field: what was found, what is true, and who is who."""

    def __init__(
        self, found: pd.DataFrame, truth: pd.DataFrame, shape_yx: tuple[int, ...], pixel_pitch_um: float
    ) -> None:
        shape_um = (shape_yx[0] * pixel_pitch_um, shape_yx[1] * pixel_pitch_um)
        pairs = pair_cells(found, truth)
        self.detection = detection(found, truth, pairs, shape_um, BORDER_UM)
        inside = is_inside(truth, shape_um, BORDER_UM)[pairs[:, 1]]
        self.found = found.iloc[pairs[inside, 0]]
        self.truth = truth.iloc[pairs[inside, 1]]


def _summary(
    prefix: str, looks: list[Look], seeds: tuple[int, ...], targets: dict[str, float], where: str = ""
) -> dict[str, Measure]:
    n_found = sum(look.detection.n_found for look in looks)
    n_true = sum(look.detection.n_true for look in looks)
    seen = [look.detection for look in looks]
    # A field without cells has no precision of its own and adds nothing to the sum.
    precision = sum(d.precision * d.n_found for d in seen if d.n_found) / max(n_found, 1)
    recall = sum(d.recall * d.n_true for d in seen if d.n_true) / max(n_true, 1)
    said = "cells found by the CNN after full optics and reconstruction against simulated truth"

    def entry(name: str, value: float, unit: str, better: str, n: int, meaning: str) -> tuple[str, Measure]:
        return f"{prefix}.{name}", Measure(value, unit, better, n, seeds, targets.get(name), meaning + where)  # type: ignore[arg-type]

    entries = [
        entry("precision", precision, "1", "higher", n_found, f"precision of {said}"),
        entry("recall", recall, "1", "higher", n_true, f"recall of {said}"),
    ]
    found = pd.concat([look.found for look in looks])
    truth = pd.concat([look.truth for look in looks])
    for name in MEASURES:
        line = regression(found[name].to_numpy(), truth[name].to_numpy())
        unit = name.rsplit("_", 1)[1]
        n = len(np.asarray(truth))
        entries += [
            entry(f"{SHORT[name]}_r2", line.r2, "1", "higher", n, f"R2 of the line of found on true {name}"),
            entry(f"{SHORT[name]}_slope", line.slope, "1", "between", n, f"slope of found on true {name}"),
            entry(
                f"{SHORT[name]}_mad", line.error_mad, unit, "lower", n, f"1.4826 x MAD of the error of {name}"
            ),
        ]
    return dict(entries)
