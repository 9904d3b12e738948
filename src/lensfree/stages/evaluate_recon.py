"""Accuracy of the reconstruction on simulated holograms of known truth; beads and focus are beside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np

from lensfree.config import Config
from lensfree.phase.retrieve import Refine, retrieve
from lensfree.stages import evaluate_beads, evaluate_focus
from lensfree.stages.measures import Measure, Target
from lensfree.stages.refine import load_refine
from lensfree.stages.training_fields import FieldMaker, FieldRecipe, TrueField
from lensfree.units import dry_mass_pg, optical_volume_um3


def run(*, config: Config, refine_weights: Path | None, real: Path) -> dict[str, Measure]:
    """Measure on simulated fields (held-out seeds) and on the demo's real holograms in folder `real`."""
    return {
        **_simulated(config, load_refine(refine_weights)),
        **evaluate_beads.run(config, real / "beads_multiheight"),
        **evaluate_focus.run(
            config=config, fields=held_out_fields(config, config.evaluate.recon_cells_per_mm2, 1), real=real
        ),
    }


def held_out_fields(config: Config, cells_per_mm2: tuple[float, ...], n_fields: int) -> Iterator[TrueField]:
    """Yield fields at the nominal instrument, from seeds that no training uses."""
    evaluate, fields = config.evaluate, config.fields
    for seed in evaluate.seeds:
        for index, density in enumerate(cells_per_mm2):
            rng = np.random.default_rng([seed, index])
            recipe = FieldRecipe(
                shape_yx=(evaluate.field_px * 3 // 4, evaluate.field_px),
                pixel_pitch_um=fields.pixel_pitch_um,
                wavelengths_nm=fields.wavelength_nm,
                z_um=float(rng.uniform(*evaluate.z_um)),
                colour_shift_um=fields.colour_shift_um,
                cells_per_mm2=density,
                round_fraction=evaluate.round_fraction,
                sensor_noise=evaluate.sensor_noise,
                background_amplitude=fields.background_amplitude,
                background_error=fields.background_error,
            )
            maker = FieldMaker(recipe, config.optics, rng)
            for _ in range(n_fields):
                yield maker.draw(rng)


def retrieve_opd(field: TrueField, config: Config, refine: Refine | None) -> np.ndarray:
    """Return the OPD that the pipeline finds, geometry known."""
    return retrieve(
        field.intensity,
        field.channels,
        pixel_pitch_um=config.fields.pixel_pitch_um,
        optics=config.optics,
        config=config.reconstruct,
        refine=refine,
    ).opd_nm


def _simulated(config: Config, refine: Refine | None) -> dict[str, Measure]:
    errors_nm: dict[str, list[np.ndarray]] = {"flat": [], "round": [], "background": []}
    masses: list[np.ndarray] = []
    for field in held_out_fields(config, config.evaluate.recon_cells_per_mm2, config.evaluate.fields):
        error_nm = retrieve_opd(field, config, refine) - field.opd_nm
        states = np.array(["background", *field.cells["state"]])[field.labels]
        for state, collected in errors_nm.items():
            collected.append(error_nm[states == state])
        masses.append(_masses_pg(field, error_nm, config.fields.pixel_pitch_um))
    true_pg, found_pg, is_round = np.concatenate(masses, axis=1)
    rounded = is_round > 0
    seeds = config.evaluate.seeds

    def rmse(state: str, target: float | None) -> Measure:
        values = np.concatenate(errors_nm[state])
        meaning = f"RMSE of OPD over pixels of {state} {'cells' if state != 'background' else ''}".strip()
        return Measure(float(np.sqrt(np.mean(values**2))), "nm", "lower", len(values), seeds, target, meaning)

    def mass(
        value: float, which: np.ndarray, better: Literal["higher", "between"], target: Target, meaning: str
    ) -> Measure:
        return Measure(value, "1", better, int(which.sum()), seeds, target, meaning)

    everyone = np.ones_like(rounded)
    residual = np.sum((found_pg - true_pg) ** 2)
    slope = float(np.polyfit(true_pg[~rounded], found_pg[~rounded], 1)[0])
    return {
        "recon.flat_rmse_nm": rmse("flat", 6.0),
        "recon.round_rmse_nm": rmse("round", None),
        "recon.background_rmse_nm": rmse("background", None),
        "recon.round_mass_ratio": mass(
            float(found_pg[rounded].sum() / true_pg[rounded].sum()),
            rounded,
            "between",
            (0.9, 1.1),
            "total dry mass found / true over outlines of rounded cells",
        ),
        "recon.mass_r2": mass(
            float(1 - residual / np.sum((true_pg - true_pg.mean()) ** 2)),
            everyone,
            "higher",
            0.95,
            "1 - residual / total variance of dry mass over true outlines, found against true, no fit",
        ),
        "recon.mass_slope": mass(
            slope, ~rounded, "between", None, "slope of found on true dry mass, flat cells"
        ),
    }


def _masses_pg(field: TrueField, error_nm: np.ndarray, pixel_pitch_um: float) -> np.ndarray:
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
