"""Is the standard error of dry mass one? Errors over it, on held-out fields with the whole chain before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from lensfree.cells.integral import find_cells
from lensfree.cells.standard_error import WITHIN_1, error_terms
from lensfree.config import Config
from lensfree.io.files import written_whole
from lensfree.nets.weights import model_label
from lensfree.phase.level import background_sd_nm
from lensfree.report.calibration import by_standard_error, draw_calibration
from lensfree.report.style import to_png
from lensfree.stages.calibrations import Calibration, CalibrationError, read_calibrations
from lensfree.stages.held_out import held_out_cultures, held_out_fields, retrieve_opd
from lensfree.stages.measures import Measure
from lensfree.stages.quant_looks import Look
from lensfree.stages.refine import load_refine
from lensfree.stages.represent import load_represent
from lensfree.stages.training_fields import TrueField

CULTURE = "culture"
TARGET = (0.63, 0.73)
TERCILES = ("small", "middle", "large")
SAID = "error of dry mass, found less true, cells 20 um from the border or farther"


def run(
    *,
    config: Config,
    refine_weights: Path | None,
    quantify_weights: Path,
    calibrations: Path | None,
    figure: Path,
) -> dict[str, Measure]:
    """Measure how many errors lie within one and two standard errors, and draw it.

    Raises:
        CalibrationError: if these weights have no calibration.
    """
    calibration = _calibration_of(quantify_weights, calibrations)
    refine, represent = load_refine(refine_weights), load_represent(quantify_weights)
    evaluate, pitch_um = config.evaluate, config.fields.pixel_pitch_um

    def measured(field: TrueField, where: str) -> pd.DataFrame:
        opd_nm = retrieve_opd(field, config, refine)
        found = find_cells(represent(opd_nm, pitch_um), opd_nm, pitch_um, config.quantify)
        field_um = (opd_nm.shape[0] * pitch_um, opd_nm.shape[1] * pitch_um)
        terms = error_terms(found, field_um, background_sd_nm(opd_nm))
        found = found.assign(dry_mass_se_pg=calibration.model.standard_error_pg(terms))
        return pairs_of(Look(found, field.cells, opd_nm.shape, pitch_um), where)

    parts = [
        measured(field, f"{density:g}")
        for density in evaluate.quant_cells_per_mm2
        for field in held_out_fields(config, (density,), evaluate.fields)
    ]
    density = evaluate.quant_culture_cells_per_mm2
    parts += [measured(field, CULTURE) for field in held_out_cultures(config, density, evaluate.fields)]
    pairs = pd.concat(parts, ignore_index=True)
    with written_whole(figure) as partial:
        partial.write_bytes(to_png(draw_calibration(pairs, WITHIN_1)))
    return summarise(pairs, evaluate.seeds)


def pairs_of(look: Look, where: str) -> pd.DataFrame:
    """Return a row per pair: `where`, `error_pg` (found less true), `dry_mass_se_pg`, `is_round`."""
    return pd.DataFrame(
        {
            "where": where,
            "error_pg": look.found["dry_mass_pg"].to_numpy() - look.truth["dry_mass_pg"].to_numpy(),
            "dry_mass_se_pg": look.found["dry_mass_se_pg"].to_numpy(),
            "is_round": look.truth["state"].to_numpy() == "round",
        }
    )


def summarise(pairs: pd.DataFrame, seeds: tuple[int, ...]) -> dict[str, Measure]:
    """Return the measures of all pairs, of each density, of grown cultures and of thirds of the cells."""

    def within(some: pd.DataFrame, count: int) -> float:
        return float(np.mean(some["error_pg"].abs() <= count * some["dry_mass_se_pg"]))

    def share(some: pd.DataFrame, count: int, of: str, is_target: bool = False) -> Measure:
        target = TARGET if is_target else None
        meaning = f"share within {count} standard error{'s' * (count > 1)}, {of}: {SAID}"
        return Measure(within(some, count), "1", "between", len(some), seeds, target, meaning)

    def number(value: float, unit: str, better: str, n: int, meaning: str) -> Measure:
        return Measure(value, unit, better, n, seeds, None, meaning)  # type: ignore[arg-type]

    everywhere = "all densities and grown cultures"
    measures = {
        "quant.mass_se_within_1": share(pairs, 1, everywhere, is_target=True),
        "quant.mass_se_within_2": share(pairs, 2, everywhere),
        "quant.mass_se_within_1_round": share(pairs[pairs["is_round"]], 1, "rounded cells"),
        "quant.mass_se_median": number(
            float(pairs["dry_mass_se_pg"].median()), "pg", "lower", len(pairs), "median standard error"
        ),
    }
    for where, some in pairs.groupby("where"):
        of = "grown cultures" if where == CULTURE else f"{where} cells/mm2"
        measures[f"quant.{where}.mass_se_within_1"] = share(some, 1, of)
        measures[f"quant.{where}.mass_bias"] = number(
            float(some["error_pg"].median()), "pg", "between", len(some), f"median, {of}: {SAID}"
        )
    thirds = by_standard_error(pairs, len(TERCILES))
    for name, third in zip(TERCILES, thirds, strict=True):
        measures[f"quant.mass_se_within_1_{name}"] = share(third, 1, f"third with {name} standard errors")
    low, _, high = (float(third["error_pg"].abs().quantile(WITHIN_1)) for third in thirds)
    said = "68 % quantile of |error|, third with large over third with small standard errors"
    measures["quant.mass_se_spread_ratio"] = number(high / low, "1", "higher", len(pairs), said)
    return measures


def _calibration_of(weights: Path, calibrations: Path | None) -> Calibration:
    known, label = read_calibrations(calibrations), model_label(weights)
    if label not in known or not known[label].is_for(weights):
        raise CalibrationError(
            f"{calibrations} has no calibration of these weights of {label}, expected one to evaluate; "
            f"it has {sorted(known)}: run `make calibrate`"
        )
    return known[label]
