"""Stage track: the cells of an acquisition's chunks -> cells with identity, mother and lineage."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from lensfree.config import TrackConfig
from lensfree.contracts import CELLS, TRACKS
from lensfree.io.tables import empty_table, read_tables, write_table
from lensfree.tracks.drift import estimate_field_motion, hold_still, put_back
from lensfree.tracks.lineage import resolve_divisions
from lensfree.tracks.link import link
from lensfree.tracks.scales import estimate_scales

logger = logging.getLogger(__name__)


def run(cells: Sequence[Path], out: Path, config: TrackConfig, provenance: Mapping[str, Any]) -> None:
    """Track one acquisition and write `tracks.parquet`.

    Args:
        cells: tables of cells, one per chunk of frames, in any order.
        out: the table of tracks; without rows if there are no cells.
        config: the section `track`.
        provenance: plain values that explain the result.
    """
    found = read_tables(cells, CELLS) if cells else empty_table(CELLS)
    if found.empty:
        logger.warning("no cells in %d tables: %s has no rows", len(cells), out)
        write_table(out, empty_table(TRACKS), TRACKS, provenance=provenance)
        return
    tracks = track_cells(found, config)
    logger.info("%d detections in %d cells", len(tracks), tracks["cell_id"].nunique())
    write_table(out, tracks, TRACKS, provenance=provenance)


def track_cells(cells: pd.DataFrame, config: TrackConfig) -> pd.DataFrame:
    """Name the cells of one acquisition, their mothers and founders, in a field that is held still.

    Args:
        cells: the columns of a table of cells, any order of rows.
        config: the section `track`.

    Returns:
        The cells with `cell_id, parent_id, lineage_id`, at their places on the sensor.
    """
    motion = estimate_field_motion(cells, config)
    steady = cells if motion.is_still else hold_still(cells, motion)
    scales = estimate_scales(steady, config)
    tracks = resolve_divisions(link(steady, config, scales), config, scales)
    return tracks if motion.is_still else put_back(tracks)
