"""Stage quantify: OPD maps of a chunk -> a table of cells, frame by frame."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lensfree.arrays import resolve_device
from lensfree.cells.integral import find_cells
from lensfree.cells.measure import check_opd, measure_cells
from lensfree.cells.standard_error import error_terms
from lensfree.config import QuantifyConfig
from lensfree.contracts import CELLS
from lensfree.io.stacks import OpdReader, open_opd
from lensfree.io.tables import empty_table, write_table
from lensfree.nets.weights import model_label
from lensfree.progress import followed, part, timed
from lensfree.stages.calibrations import Calibration, read_calibrations
from lensfree.stages.represent import Represent, load_represent

logger = logging.getLogger(__name__)

REFERENCE = "reference"
Measure = Callable[[np.ndarray, float], pd.DataFrame]


def run(
    *,
    opd: Path,
    out: Path,
    config: QuantifyConfig,
    weights: Path | None,
    provenance: Mapping[str, Any],
    calibrations: Path | None = None,
    n_colours: int = 0,
) -> None:
    """Find and measure the cells of every frame; memory does not grow with the length of the chunk.

    A missing frame has no rows, and neither has a frame without cells; the table then only has fewer.

    Args:
        opd: the chunk.
        out: the table of cells.
        config: the section `quantify`.
        weights: the network, None for the reference pipeline.
        provenance: plain values that explain the result.
        calibrations: the file of calibrations of the standard error; without one for this model it is NaN.
        n_colours: colours that the OPD was reconstructed from, 0 if it was not.

    Raises:
        ValueError: if the method is `cnn` and there are no weights, a frame cannot be measured, or the
            calibrations cannot be read.
    """
    measure, label = _method(config, weights)
    parts = [empty_table(CELLS)]
    with open_opd(opd) as source:
        calibration = _calibration(source, label, weights, calibrations, n_colours)
        for frame, time_h, opd_nm in followed(timed("read", source.frames()), len(source)):
            if opd_nm is None:
                logger.warning("frame %d is missing", frame)
                continue
            with part("measure"):
                cells = measure(opd_nm, source.pixel_pitch_um)
            logger.info("frame %d: %d cells", frame, len(cells))
            if len(cells):
                se_pg = _standard_error_pg(cells, opd_nm.shape, frame, source, calibration)
                cells = cells.assign(frame=frame, time_h=time_h, model=label, dry_mass_se_pg=se_pg)
                parts.append(cells[list(CELLS.columns)])
    table = pd.concat(parts[1:], ignore_index=True) if len(parts) > 1 else parts[0]
    write_table(out, table, CELLS, provenance={**provenance, "model": label})


def _method(config: QuantifyConfig, weights: Path | None) -> tuple[Measure, str]:
    """Return what measures a map, and its name for the table."""
    if config.method == "reference":
        return lambda opd_nm, pixel_pitch_um: measure_cells(opd_nm, pixel_pitch_um, config), REFERENCE
    if weights is None:
        raise ValueError(
            "quantify.method is 'cnn' but no weights were given, expected a model; "
            "name one in quantify.model or set quantify.method to 'reference'"
        )
    device = resolve_device(config.device)
    logger.info("%s on %s", model_label(weights), device)
    represent = load_represent(weights, device)
    return _by_representation(represent, config), model_label(weights)


def _by_representation(represent: Represent, config: QuantifyConfig) -> Measure:
    def measure(opd_nm: np.ndarray, pixel_pitch_um: float) -> pd.DataFrame:
        check_opd(opd_nm)
        return find_cells(represent(opd_nm, pixel_pitch_um), opd_nm, pixel_pitch_um, config)

    return measure


def _calibration(
    source: OpdReader, label: str, weights: Path | None, calibrations: Path | None, n_colours: int
) -> Calibration | None:
    """Return the calibration of exactly this model and reconstruction, None with a word on it if none is."""
    known = read_calibrations(calibrations)
    made_by = source.provenance.get("config", {})
    chosen = known.get(label)
    if not n_colours:
        logger.info("dry_mass_se_pg is NaN: the OPD was not reconstructed from holograms")
        return None
    if chosen is None or not chosen.is_for(weights):
        why = f"these weights of {label} are not among those calibrated, {', '.join(known) or 'none'}"
    elif not chosen.is_of(made_by, n_colours):
        why = (
            f"{label} is calibrated for OPD from {chosen.n_colours} colours by reconstruct.method "
            f"{chosen.reconstruct_method} with refine {chosen.reconstruct_refine}, this is from {n_colours} "
            f"by {made_by.get('method')} with {made_by.get('refine')}"
        )
    else:
        _warn_beyond(source, chosen)
        return chosen
    logger.warning("dry_mass_se_pg is NaN: %s; set in config.yaml what you use and run `make calibrate`", why)
    return None


def _warn_beyond(source: OpdReader, calibration: Calibration) -> None:
    """Say where frames are unlike those of the calibration; what they get is extrapolated."""
    pitch_um = calibration.pixel_pitch_um
    ranges = {
        "z_um": (source.z_um, calibration.z_um),
        "background_sd_nm": (source.background_sd_nm, calibration.background_sd_nm),
        "pixel_pitch_um": (np.array([source.pixel_pitch_um]), (0.9 * pitch_um, 1.1 * pitch_um)),
    }
    for name, (values, (low, high)) in ranges.items():
        is_beyond = (values < low) | (values > high)
        if is_beyond.any():
            logger.warning(
                "%s is %.4g to %.4g, dry_mass_se_pg was calibrated for %.4g to %.4g",
                *(name, values[is_beyond].min(), values[is_beyond].max(), low, high),
            )


def _standard_error_pg(
    cells: pd.DataFrame,
    shape_yx: tuple[int, ...],
    frame: int,
    source: OpdReader,
    calibration: Calibration | None,
) -> np.ndarray:
    if calibration is None:
        return np.full(len(cells), np.nan)
    field_um = (shape_yx[0] * source.pixel_pitch_um, shape_yx[1] * source.pixel_pitch_um)
    sd_nm = float(source.background_sd_nm[frame - source.first_frame])
    return calibration.model.standard_error_pg(error_terms(cells, field_um, sd_nm))
