"""Stage calibrate_error: the standard error of dry mass, learnt from simulated cells of known dry mass.

Fields through the whole chain (optics, reconstruction, measurement), over the ranges of distance, density
and noise that the networks were trained for, from seeds that neither training nor evaluation uses.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from lensfree.arrays import cpu_count
from lensfree.cells.integral import find_cells
from lensfree.cells.measure import measure_cells
from lensfree.cells.pairing import is_inside, pair_cells
from lensfree.cells.standard_error import TERMS, error_terms, fit_error_model
from lensfree.config import Config
from lensfree.nets.weights import model_label
from lensfree.phase.level import background_sd_nm
from lensfree.stages.calibrations import (
    Calibration,
    CalibrationError,
    read_calibrations,
    sha256_of,
    write_calibrations,
)
from lensfree.stages.held_out import retrieve_opd
from lensfree.stages.quantify import REFERENCE
from lensfree.stages.refine import load_refine
from lensfree.stages.represent import load_represent
from lensfree.stages.training_fields import FieldMaker, draw_recipe

logger = logging.getLogger(__name__)

BORDER_UM = 20.0
"""Cells nearer to the border tell what is lost there, and do not enter bias and coverage."""

_DIGITS = 4
Measure = Callable[[np.ndarray], pd.DataFrame]


@dataclass(frozen=True)
class Sample:
    """Cells of one method that were paired with true ones.

    Attributes:
        terms: (n, term) of the error model.
        error_pg: found less true dry mass (n,).
        is_inside: whether the cell is 20 um from the border or farther (n,).
        background_sd_nm: of the fields (field,).
    """

    terms: np.ndarray
    error_pg: np.ndarray
    is_inside: np.ndarray
    background_sd_nm: np.ndarray

    @classmethod
    def joined(cls, parts: list[Sample]) -> Sample:
        """Return many samples as one."""
        names = ("terms", "error_pg", "is_inside", "background_sd_nm")
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def run(
    *,
    out: Path,
    config: Config,
    refine_weights: Path | None,
    quantify_weights: Path | None,
    known: Path | None,
) -> None:
    """Calibrate the network and the reference pipeline; calibrations of other models are kept.

    Args:
        out: the file of calibrations.
        config: every section that simulation, reconstruction and measurement use.
        refine_weights: the CNN step of the reconstruction, None without.
        quantify_weights: the network that measures; None calibrates the reference pipeline only.
        known: a file of calibrations whose other entries are taken over, unless it cannot be read.
    """
    settings = config.calibrate_error
    jobs = [(config, refine_weights, quantify_weights, index) for index in range(settings.recipes)]
    parts: dict[str, list[Sample]] = {}
    with ProcessPoolExecutor(cpu_count(), initializer=_use_one_core) as pool:
        for done, samples in enumerate(pool.map(_measure_recipe, jobs), start=1):
            for label, sample in samples:
                parts.setdefault(label, []).append(sample)
            if done % 10 == 0:
                logger.info("recipe %d of %d", done, settings.recipes)
    calibrations = _kept(known)
    for label, some in parts.items():
        weights = None if label == REFERENCE else quantify_weights
        calibrations[label] = _calibrate(Sample.joined(some), config, weights, refine_weights)
        logger.info("%s: %s", label, calibrations[label])
    write_calibrations(out, calibrations)


def _kept(known: Path | None) -> dict[str, Calibration]:
    """Return the calibrations so far; a file that cannot be read is what a new one is made for."""
    try:
        return read_calibrations(known)
    except CalibrationError as error:
        logger.warning("its entries are not taken over: %s", error)
        return {}


def _calibrate(
    sample: Sample, config: Config, weights: Path | None, refine_weights: Path | None
) -> Calibration:
    model = fit_error_model(sample.terms, sample.error_pg)
    excess = (np.abs(sample.error_pg) / model.standard_error_pg(sample.terms))[sample.is_inside]
    sd_nm = sample.background_sd_nm
    return Calibration(
        coefficients={name: _rounded(c) for name, c in zip(TERMS, model.coefficients, strict=True)},
        weights_sha256=sha256_of(weights),
        refine_sha256=sha256_of(refine_weights),
        reconstruct_method=config.reconstruct.method,
        reconstruct_refine=config.reconstruct.refine,
        n_colours=len(config.fields.wavelength_nm),
        pixel_pitch_um=config.fields.pixel_pitch_um,
        z_um=config.fields.z_um,
        background_sd_nm=(_rounded(sd_nm.min()), _rounded(sd_nm.max())),
        seed=config.calibrate_error.seed,
        n_fields=len(sd_nm),
        n_cells=len(sample.error_pg),
        bias_pg=_rounded(np.median(sample.error_pg[sample.is_inside])),
        within_1=_rounded(np.mean(excess < 1)),
        within_2=_rounded(np.mean(excess < 2)),
    )


def _measure_recipe(job: tuple[Config, Path | None, Path | None, int]) -> list[tuple[str, Sample]]:
    """Return what each method found in the fields of a recipe, with its name."""
    config, refine_weights, quantify_weights, index = job
    settings = config.calibrate_error
    rng = np.random.default_rng([settings.seed, index])
    # Fewer colours have larger errors, and an acquisition with fewer gets no standard error.
    all_colours = config.fields.model_copy(update={"fewer_colours": 0.0})
    maker = FieldMaker(draw_recipe(rng, all_colours), config.optics, rng)
    if rng.random() < settings.culture_fraction:
        fields = maker.draw_culture(settings.fields_per_recipe, rng)
    else:
        fields = (maker.draw(rng) for _ in range(settings.fields_per_recipe))
    methods = _methods(config, quantify_weights)
    samples = []
    pitch_um = config.fields.pixel_pitch_um
    for field in fields:
        opd_nm = retrieve_opd(field, config, cached_refine(refine_weights))
        for label, measure in methods.items():
            samples.append((label, _sample(measure(opd_nm), field.cells, opd_nm, pitch_um)))
    return samples


def _methods(config: Config, quantify_weights: Path | None) -> dict[str, Measure]:
    pitch_um = config.fields.pixel_pitch_um
    methods: dict[str, Measure] = {REFERENCE: lambda opd_nm: measure_cells(opd_nm, pitch_um, config.quantify)}
    if quantify_weights is not None:
        represent = cached_represent(quantify_weights)
        methods[model_label(quantify_weights)] = lambda opd_nm: find_cells(
            represent(opd_nm, pitch_um), opd_nm, pitch_um, config.quantify
        )
    return methods


def _sample(found: pd.DataFrame, truth: pd.DataFrame, opd_nm: np.ndarray, pixel_pitch_um: float) -> Sample:
    field_um = (opd_nm.shape[0] * pixel_pitch_um, opd_nm.shape[1] * pixel_pitch_um)
    sd_nm = background_sd_nm(opd_nm)
    pairs = pair_cells(found, truth)
    paired = found.iloc[pairs[:, 0]]
    return Sample(
        terms=error_terms(found, field_um, sd_nm)[pairs[:, 0]],
        error_pg=paired["dry_mass_pg"].to_numpy() - truth["dry_mass_pg"].to_numpy()[pairs[:, 1]],
        is_inside=is_inside(paired, field_um, BORDER_UM),
        background_sd_nm=np.array([sd_nm]),
    )


cached_refine = cache(load_refine)
cached_represent = cache(load_represent)


def _use_one_core() -> None:
    """Keep a worker to one core: there is one worker per core already."""
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
