"""Stage quantify: OPD maps of a chunk -> a table of cells, frame by frame."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lensfree.arrays import resolve_device
from lensfree.cells.measure import check_opd, measure_cells
from lensfree.cells.peaks import find_peaks
from lensfree.config import QuantifyConfig
from lensfree.contracts import CELLS
from lensfree.io.stacks import open_opd
from lensfree.io.tables import empty_table, write_table
from lensfree.nets.weights import model_label
from lensfree.stages.represent import Represent, load_represent

logger = logging.getLogger(__name__)

REFERENCE = "reference"
Measure = Callable[[np.ndarray, float], pd.DataFrame]


def run(
    *, opd: Path, out: Path, config: QuantifyConfig, weights: Path | None, provenance: Mapping[str, Any]
) -> None:
    """Find and measure the cells of every frame; memory does not grow with the length of the chunk.

    A missing frame has no rows, and neither has a frame without cells; the table then only has fewer.

    Raises:
        ValueError: if the method is `cnn` and there are no weights, or a frame cannot be measured.
    """
    measure, label = _method(config, weights)
    parts = [empty_table(CELLS)]
    with open_opd(opd) as source:
        for frame, time_h, opd_nm in source.frames():
            if opd_nm is None:
                logger.warning("frame %d is missing", frame)
                continue
            cells = measure(opd_nm, source.pixel_pitch_um)
            logger.info("frame %d: %d cells", frame, len(cells))
            if len(cells):
                parts.append(cells.assign(frame=frame, time_h=time_h, model=label)[list(CELLS.columns)])
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
    represent = load_represent(weights, resolve_device(config.device))
    return _by_representation(represent, config), model_label(weights)


def _by_representation(represent: Represent, config: QuantifyConfig) -> Measure:
    def measure(opd_nm: np.ndarray, pixel_pitch_um: float) -> pd.DataFrame:
        check_opd(opd_nm)
        return find_peaks(represent(opd_nm, pixel_pitch_um), pixel_pitch_um, config)

    return measure
