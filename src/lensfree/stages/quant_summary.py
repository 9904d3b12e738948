"""Looks at fields summed up as measures: detection, and a line and an error per measure of a cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from lensfree.cells.pairing import regression
from lensfree.cells.representation import MEASURES
from lensfree.stages.measures import Measure, Target
from lensfree.stages.quant_looks import Comparison, Look

SHORT = {"dry_mass_pg": "mass", "area_um2": "area", "max_opd_nm": "max_opd", "length_um": "length"}
UNIT = {name: name.rsplit("_", 1)[1] for name in MEASURES}

POOLED_TARGETS: dict[str, Target] = {"precision": 0.97, "recall": 0.97, "mass_r2": 0.87}
SLOPE: Target = (0.95, 1.05)
CROWDED_PER_MM2 = 365.0
"""The published figures hold up to this density and fall above it; so do the targets."""


@dataclass(frozen=True)
class Wording:
    """How a comparison is told.

    Attributes:
        cells: which cells are compared with which.
        found: whose values are found.
        true: whose values they are compared with.
        where: where, with a comma before it.
    """

    cells: str = "cells found by the CNN after full optics and reconstruction against simulated truth"
    found: str = "found"
    true: str = "true"
    where: str = ""


def targets_at(cells_per_mm2: float) -> dict[str, Target]:
    """Return the targets of one density against simulated truth."""
    is_crowded = cells_per_mm2 > CROWDED_PER_MM2
    detected, mass_r2 = (0.985, 0.90) if is_crowded else (0.99, 0.95)
    return {
        "precision": detected,
        "recall": detected,
        "mass_r2": mass_r2,
        "mass_slope": SLOPE,
        "area_r2": 0.92,
        "max_opd_r2": 0.95,
        "length_r2": 0.90,
    }


def pooled_detection(looks: Sequence[Look]) -> tuple[float, int, float, int]:
    """Return precision, cells found, recall and true cells of all looks together."""
    seen = [look.detection for look in looks]
    n_found, n_true = sum(d.n_found for d in seen), sum(d.n_true for d in seen)
    # A field without cells has no precision of its own and adds nothing to the sum.
    precision = sum(d.precision * d.n_found for d in seen if d.n_found) / max(n_found, 1)
    recall = sum(d.recall * d.n_true for d in seen if d.n_true) / max(n_true, 1)
    return precision, n_found, recall, n_true


def summarise(
    prefix: str,
    comparison: Comparison,
    seeds: tuple[int, ...],
    targets: Mapping[str, Target] | None = None,
    wording: Wording | None = None,
    names: Sequence[str] = MEASURES,
) -> dict[str, Measure]:
    """Return the measures of a comparison by key.

    Args:
        prefix: what the keys begin with, such as quant.364.
        comparison: looks at the fields, and the similarity of their maps if it has any.
        seeds: of the fields; empty for real cells.
        targets: by the last part of the key.
        wording: how the comparison is told.
        names: which of `MEASURES` are compared.

    Returns:
        `precision` and `recall`; per measure `r2`, `slope`, `intercept`, `mad` and, with maps, `ssim`.

    Raises:
        ValueError: if there are fewer than 3 pairs.
    """
    said, goals = wording or Wording(), targets or {}
    measures: dict[str, Measure] = {}

    def add(name: str, value: float, unit: str, better: str, n: int, meaning: str) -> None:
        told = meaning + said.where
        measures[f"{prefix}.{name}"] = Measure(value, unit, better, n, seeds, goals.get(name), told)  # type: ignore[arg-type]

    precision, n_found, recall, n_true = pooled_detection(comparison.looks)
    add("precision", precision, "1", "higher", n_found, f"precision of {said.cells}")
    add("recall", recall, "1", "higher", n_true, f"recall of {said.cells}")
    found = pd.concat([look.found for look in comparison.looks])
    truth = pd.concat([look.truth for look in comparison.looks])
    for name in names:
        line = regression(found[name].to_numpy(), truth[name].to_numpy())
        short, n, of = SHORT[name], len(truth), f"{said.found} on {said.true} {name}"
        add(f"{short}_r2", line.r2, "1", "higher", n, f"R2 of the line of {of}")
        add(f"{short}_slope", line.slope, "1", "between", n, f"slope of {of}")
        add(f"{short}_intercept", line.intercept, UNIT[name], "between", n, f"intercept of {of}")
        error = f"1.4826 x MAD of the error of {name}, {said.found} less {said.true}"
        add(f"{short}_mad", line.error_mad, UNIT[name], "lower", n, error)
        if len(comparison.ssim):
            value = float(comparison.ssim[:, MEASURES.index(name)].mean())
            n_px = comparison.n_px * len(comparison.ssim)
            told = f"SSIM of {said.found} map and the map of {said.true} cells, {name}"
            add(f"{short}_ssim", value, "1", "higher", n_px, told)
    return measures
