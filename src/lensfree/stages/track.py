"""Stage track: the cells of an acquisition's chunks -> cells with identity, mother and lineage."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lensfree.config import TrackConfig
from lensfree.contracts import CELLS, LINEAGE_EVENTS, TRACKS
from lensfree.io.tables import empty_table, read_tables, write_table
from lensfree.tracks.drift import estimate_field_motion, hold_still, put_back
from lensfree.tracks.events import KINDS, lineage_events
from lensfree.tracks.fusion import resolve_fusions
from lensfree.tracks.fusion_rows import DETECTION
from lensfree.tracks.lineage import resolve_lineage
from lensfree.tracks.link import check_times, link
from lensfree.tracks.scales import at_interval, estimate_scales

SEEN = ("frame", "time_h", "y_um", "x_um", "dry_mass_pg", "max_opd_nm")
"""Columns that tracking looks at; the others of a row follow its detection."""

logger = logging.getLogger(__name__)


def run(
    cells: Sequence[Path], out: Path, events: Path, config: TrackConfig, provenance: Mapping[str, Any]
) -> None:
    """Track one acquisition and write `tracks.parquet` and `lineage_events.parquet`.

    Args:
        cells: tables of cells, one per chunk of frames, in any order.
        out: the table of tracks; without rows if there are no cells.
        events: the table of what happened to them.
        config: the section `track`.
        provenance: plain values that explain the result.
    """
    found = read_tables(cells, CELLS) if cells else empty_table(CELLS)
    if found.empty:
        logger.warning("no cells in %d tables: %s has no rows", len(cells), out)
        write_table(out, empty_table(TRACKS), TRACKS, provenance=provenance)
        write_table(events, empty_table(LINEAGE_EVENTS), LINEAGE_EVENTS, provenance=provenance)
        return
    tracks, happened = track_with_events(found, config)
    counts = happened["kind"].value_counts()
    logger.info(
        "%d detections in %d cells; %s",
        *(len(found), tracks["cell_id"].nunique()),
        ", ".join(f"{kind}: {counts.get(kind, 0)}" for kind in KINDS),
    )
    write_table(out, tracks, TRACKS, provenance=provenance)
    write_table(events, happened, LINEAGE_EVENTS, provenance=provenance)


def track_cells(cells: pd.DataFrame, config: TrackConfig) -> pd.DataFrame:
    """Return the tracks alone, see `track_with_events`."""
    return track_with_events(cells, config)[0]


def track_with_events(cells: pd.DataFrame, config: TrackConfig) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Name the cells of one acquisition, their mothers and founders, in a field that is held still.

    Args:
        cells: the columns of a table of cells, any order of rows.
        config: the section `track`.

    Returns:
        The cells with `is_shared, cell_id, parent_id, lineage_id`, at their places on the sensor, and the
        events.

    Raises:
        ValueError: if a position or a dry mass is not a finite number, or the frames' times contradict each
        other.
    """
    check_times(cells)
    config = at_interval(config, cells)
    # Two million rows are copied at every step: only the columns that tracking looks at go through it.
    lean = cells[[name for name in SEEN if name in cells]].reset_index(drop=True)
    motion = estimate_field_motion(lean, config)
    steady = lean if motion.is_still else hold_still(lean, motion)
    scales = estimate_scales(steady, config)
    steady = steady.assign(**{DETECTION: np.arange(len(steady))})
    mended, met = resolve_fusions(link(steady, config, scales), config, scales)
    kept = [mended]
    del steady, mended
    lineage = resolve_lineage(kept.pop(), config, scales)
    events = lineage_events(lineage, met, border_um=scales.search_range_um / 2)
    tracks = lineage.cells if motion.is_still else put_back(lineage.cells, motion)
    others = cells.drop(columns=lean.columns)
    places = tracks[DETECTION].to_numpy()
    whole = tracks.assign(**{str(name): column.to_numpy()[places] for name, column in others.items()})
    return whole[[*cells.columns, "is_shared", "cell_id", "parent_id", "lineage_id"]], events
