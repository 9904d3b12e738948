"""Stage series: tracks -> dry-mass histories along mother -> daughter paths."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lensfree.config import SeriesConfig
from lensfree.contracts import CELL_CYCLES, SERIES, TRACKS
from lensfree.io.tables import read_table, write_table
from lensfree.tracks.cycles import describe_cells
from lensfree.tracks.series import build_series
from lensfree.units import MIN_PER_H

logger = logging.getLogger(__name__)


def run(
    tracks: Path,
    out: Path,
    cycles: Path,
    frame_interval_min: float,
    config: SeriesConfig,
    provenance: Mapping[str, Any],
) -> None:
    """Build the series of one acquisition and write `series.parquet` and `cell_cycles.parquet`.

    Args:
        tracks: the table of tracks.
        out: the table of series; without rows if no path is long enough.
        cycles: the table of cells; a row per cell that was tracked.
        frame_interval_min: time between two frames in minutes.
        config: the section `series`.
        provenance: plain values that explain the result.
    """
    cells = read_table(tracks, TRACKS)
    frame_interval_h = frame_interval_min / MIN_PER_H
    series = build_series(cells, frame_interval_h=frame_interval_h, config=config)
    described = describe_cells(cells, frame_interval_h=frame_interval_h)
    if series.empty:
        logger.warning(
            "no path of %s lasts min_length_h=%s: %s has no rows", tracks, config.min_length_h, out
        )
    logger.info("%d series with %d points", series["series_id"].nunique(), len(series))
    write_table(out, series, SERIES, provenance=provenance)
    write_table(cycles, described, CELL_CYCLES, provenance=provenance)
