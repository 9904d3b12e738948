"""What a slow OPD that is no cell leaves of itself: in the map, around cells and under them.

Every field is drawn twice, with and without the drift; cells, light and noise are the same. Decision 0009
says why a hologram hardly shows what is slow.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import ndimage

from lensfree.cells.background import above_background_nm
from lensfree.config import Config
from lensfree.phase.retrieve import Refine
from lensfree.stages.held_out import recipe_at, retrieve_opd
from lensfree.stages.measures import Measure
from lensfree.stages.training_fields import FieldMaker, TrueField

STREAM = 4000
"""Stream of random numbers of these fields; those of the densities count from 0."""

RING_UM = (3.0, 10.0)
"""A cell's surroundings: this far from its outline, no nearer to another cell's, and not its own if nearer
to another. What is nearer than 3 um is rim, which the local background leaves out too."""

FEWEST_PX = 20
"""Cells with fewer pixels around them have none that would tell."""


def run(config: Config, refine: Refine | None) -> dict[str, Measure]:
    """Measure on held-out fields with a drift of `evaluate.drift_nm` and on the same without."""
    pitch_um, seeds = config.fields.pixel_pitch_um, config.evaluate.seeds
    rings: dict[str, list[np.ndarray]] = {"with": [], "without": []}
    added: dict[str, list[np.ndarray]] = {"flat": [], "round": [], "background": []}
    for seed in seeds:
        fields = {"with": field(seed, config.evaluate.drift_nm, config), "without": field(seed, 0.0, config)}
        found_nm = {name: retrieve_opd(drawn, config, refine) for name, drawn in fields.items()}
        above_nm = {
            name: above_background_nm(opd, pitch_um, config.quantify) for name, opd in found_nm.items()
        }
        labels, cells = fields["with"].labels, fields["with"].cells
        around = surroundings(labels, pitch_um)
        for name, above in above_nm.items():
            rings[name].append(means(above, around, len(cells), FEWEST_PX))
        difference_nm = found_nm["with"] - found_nm["without"]
        between = difference_nm[labels == 0]
        added["background"].append(between - between.mean())
        under = means(above_nm["with"] - above_nm["without"], labels, len(cells), FEWEST_PX)
        for state in ("flat", "round"):
            added[state].append(under[cells["state"].to_numpy() == state])
    drift = f"a slow OPD of {config.evaluate.drift_nm:g} nm sd"
    local = "mean OPD found within 3 to 10 um of a cell, less the local background of the reference method"

    def rms(parts: list[np.ndarray], target: float | None, meaning: str) -> Measure:
        values = np.concatenate(parts)
        values = values[np.isfinite(values)]
        value = float(np.sqrt(np.mean(values**2)))
        return Measure(value, "nm", "lower", len(values), seeds, target, f"RMS of {meaning}")

    under_cells = "what it adds to the mean OPD over the true outline, above the local background"
    return {
        "recon.local_background_nm": rms(rings["with"], 2.0, f"{local}; {drift} in the sample"),
        "recon.local_background_without_drift_nm": rms(
            rings["without"], None, f"{local}; no slow OPD in the sample"
        ),
        "recon.drift_found_nm": rms(
            added["background"], None, f"what {drift} adds to the OPD found, pixels without cells"
        ),
        "recon.drift_under_flat_cells_nm": rms(added["flat"], None, f"{drift}: {under_cells}, flat cells"),
        "recon.drift_under_round_cells_nm": rms(added["round"], None, f"{drift}: {under_cells}, round cells"),
    }


def field(seed: int, drift_nm: float, config: Config) -> TrueField:
    """Return a held-out field; of one seed, everything but the drift is the same."""
    evaluate = config.evaluate
    rng = np.random.default_rng([seed, STREAM])
    shape_yx = (evaluate.field_px * 3 // 4, evaluate.field_px)
    recipe = recipe_at(shape_yx, float(rng.uniform(*evaluate.z_um)), evaluate.recon_cells_per_mm2[-1], config)
    return FieldMaker(replace(recipe, drift_nm=drift_nm), config.optics, rng).draw(rng)


def surroundings(labels: np.ndarray, pixel_pitch_um: float) -> np.ndarray:
    """Return the labels (y, x) of the cells whose surroundings pixels belong to, 0 for none."""
    distance_um, (y, x) = ndimage.distance_transform_edt(
        labels == 0, sampling=pixel_pitch_um, return_indices=True
    )
    return np.where((distance_um > RING_UM[0]) & (distance_um <= RING_UM[1]), labels[y, x], 0)


def means(values: np.ndarray, labels: np.ndarray, n_cells: int, fewest_px: int) -> np.ndarray:
    """Return the mean of values (y, x) per label 1..n_cells; NaN of those with fewer pixels."""
    size = np.bincount(labels.ravel(), minlength=n_cells + 1)[1:]
    total = np.bincount(labels.ravel(), values.ravel(), n_cells + 1)[1:]
    return np.where(size >= fewest_px, total / np.maximum(size, 1), np.nan)
