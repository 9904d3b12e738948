"""Accuracy of the reconstruction on simulated holograms of known truth; beads and focus are beside."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from lensfree.config import Config
from lensfree.phase.retrieve import Refine
from lensfree.stages import (
    evaluate_background,
    evaluate_beads,
    evaluate_focus,
    evaluate_semireal,
    evaluate_wraps,
)
from lensfree.stages.held_out import R2_MEANING, held_out_fields, in_band, mass_r2, masses_pg, retrieve_opd
from lensfree.stages.measures import Measure, Target
from lensfree.stages.refine import load_refine


def run(*, config: Config, refine_weights: Path | None, real: Path) -> dict[str, Measure]:
    """Measure on simulated fields (held-out seeds) and on the demo's real holograms in folder `real`."""
    refine = load_refine(refine_weights)
    return {
        **_simulated(config, refine),
        **_dense(config, refine),
        **evaluate_wraps.run(config, refine),
        **evaluate_beads.run(config, real / "beads_multiheight"),
        **evaluate_semireal.run(config, refine, real),
        **evaluate_background.run(config, refine),
        **evaluate_focus.run(config, refine, real),
    }


def _simulated(config: Config, refine: Refine | None) -> dict[str, Measure]:
    evaluate, pitch_um = config.evaluate, config.fields.pixel_pitch_um
    errors_nm: dict[str, list[np.ndarray]] = {
        kind: [] for kind in ("flat", "round", "background", "in_band", "both_in_band")
    }
    masses: list[np.ndarray] = []
    for field in held_out_fields(config, evaluate.recon_cells_per_mm2, evaluate.fields):
        found_nm = retrieve_opd(field, config, refine)
        states = np.array(["background", *field.cells["state"]])[field.labels]
        for state in ("flat", "round", "background"):
            errors_nm[state].append((found_nm - field.opd_nm)[states == state])
        z_um = field.channels[0].z_um
        visible_nm = in_band(field.opd_nm, z_um, config)
        errors_nm["in_band"].append((found_nm - visible_nm)[states == "flat"])
        errors_nm["both_in_band"].append((in_band(found_nm, z_um, config) - visible_nm)[states == "flat"])
        masses.append(masses_pg(field, found_nm - field.opd_nm, pitch_um))
    true_pg, found_pg, is_round = np.concatenate(masses, axis=1)
    rounded = is_round > 0
    seeds = evaluate.seeds

    def rmse(which: str, target: float | None, meaning: str) -> Measure:
        values = np.concatenate(errors_nm[which])
        value = float(np.sqrt(np.mean(values**2)))
        return Measure(
            value, "nm", "lower", len(values), seeds, target, f"RMSE of OPD over pixels of {meaning}"
        )

    def mass(
        value: float, which: np.ndarray, better: Literal["higher", "between"], target: Target, meaning: str
    ) -> Measure:
        return Measure(value, "1", better, int(which.sum()), seeds, target, meaning)

    everyone = np.ones_like(rounded)
    return {
        "recon.flat_rmse_nm": rmse("flat", 3.5, "flat cells"),
        "recon.flat_rmse_in_band_nm": rmse(
            "in_band", 3.5, "flat cells, against the truth at periods that keep 10 % of their contrast"
        ),
        "recon.flat_rmse_both_in_band_nm": rmse(
            "both_in_band", 3.5, "flat cells, OPD and truth at periods that keep 10 % of their contrast"
        ),
        "recon.round_rmse_nm": rmse("round", None, "round cells"),
        "recon.background_rmse_nm": rmse("background", None, "background"),
        "recon.round_mass_ratio": mass(
            float(found_pg[rounded].sum() / true_pg[rounded].sum()),
            rounded,
            "between",
            (0.97, 1.03),
            "total dry mass found / true over outlines of rounded cells",
        ),
        "recon.mass_r2": mass(mass_r2(true_pg, found_pg), everyone, "higher", 0.98, R2_MEANING),
        "recon.mass_slope": mass(
            float(np.polyfit(true_pg[~rounded], found_pg[~rounded], 1)[0]),
            ~rounded,
            "between",
            (0.97, 1.03),
            "slope of found on true dry mass, flat cells",
        ),
    }


def _dense(config: Config, refine: Refine | None) -> dict[str, Measure]:
    """Measure dry mass in fields as crowded as the densest of the paper."""
    density = config.evaluate.recon_dense_cells_per_mm2
    masses = [
        masses_pg(field, retrieve_opd(field, config, refine) - field.opd_nm, config.fields.pixel_pitch_um)
        for field in held_out_fields(config, (density,), 1)
    ]
    true_pg, found_pg, _ = np.concatenate(masses, axis=1)
    meaning = f"{R2_MEANING}, {density:g} cells/mm2"
    value = mass_r2(true_pg, found_pg)
    return {
        "recon.dense_mass_r2": Measure(
            value, "1", "higher", len(true_pg), config.evaluate.seeds, 0.96, meaning
        )
    }
