"""Stage track: the cells of an acquisition's chunks -> cells with identity, mother and lineage."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lensfree.config import TrackConfig
from lensfree.contracts import CELLS, LINEAGE_EVENTS, TRACKS
from lensfree.io.tables import empty_table, read_tables, write_table
from lensfree.progress import part
from lensfree.tracks.drift import estimate_field_motion, hold_still, put_back
from lensfree.tracks.events import KINDS, lineage_events
from lensfree.tracks.fusion import resolve_fusions
from lensfree.tracks.fusion_rows import DETECTION
from lensfree.tracks.lineage import resolve_lineage
from lensfree.tracks.link import check_times, link
from lensfree.tracks.scales import at_interval, estimate_scales

SEEN = ("frame", "time_h", "y_um", "x_um", "dry_mass_pg", "max_opd_nm")
"""Columns that tracking looks at; the others of a row follow its detection."""

NAMES = ("is_shared", "cell_id", "parent_id", "lineage_id")
"""Columns that tracking adds."""

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
    seen = read_tables(cells, CELLS, columns=SEEN) if cells else empty_table(CELLS)
    if seen.empty:
        logger.warning("no cells in %d tables: %s has no rows", len(cells), out)
        write_table(out, empty_table(TRACKS), TRACKS, provenance=provenance)
        write_table(events, empty_table(LINEAGE_EVENTS), LINEAGE_EVENTS, provenance=provenance)
        return
    counted = len(seen)
    kept = [seen]
    del seen  # millions of rows: they are not needed beside the tracks
    tracks, happened = _name_cells(kept, config)
    counts = happened["kind"].value_counts()
    logger.info(
        "%d detections in %d cells; %s",
        *(counted, tracks["cell_id"].nunique()),
        ", ".join(f"{kind}: {counts.get(kind, 0)}" for kind in KINDS),
    )
    others = read_tables(cells, CELLS, columns=[name for name in CELLS.columns if name not in SEEN])
    write_table(out, _followed_by(tracks, others, CELLS.columns), TRACKS, provenance=provenance)
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
    seen = cells[[name for name in SEEN if name in cells]].reset_index(drop=True)
    tracks, events = _name_cells([seen], config)
    return _followed_by(tracks, cells.drop(columns=seen.columns), cells.columns), events


def _name_cells(kept: list[pd.DataFrame], config: TrackConfig) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Take the only table out of a list, so that nobody else holds it, and return its tracks and events.

    Two million rows are copied at every step: only what tracking looks at goes through it, and what a step
    was given is gone before the next one begins.
    """
    steady = kept.pop()
    check_times(steady)
    config = at_interval(config, steady)
    with part("motion of the field"):
        motion = estimate_field_motion(steady, config)
    steady = steady if motion.is_still else hold_still(steady, motion)
    with part("link"):
        scales = estimate_scales(steady, config)
        kept.append(link(steady.assign(**{DETECTION: np.arange(len(steady))}), config, scales))
    del steady
    with part("fusions"):
        mended, met = resolve_fusions(kept.pop(), config, scales)
    kept.append(mended)
    del mended
    with part("lineage"):
        lineage = resolve_lineage(kept.pop(), config, scales)
    events = lineage_events(lineage, met, border_um=scales.search_range_um / 2)
    return lineage.cells if motion.is_still else put_back(lineage.cells, motion), events


def _followed_by(tracks: pd.DataFrame, others: pd.DataFrame, names: Iterable[str]) -> pd.DataFrame:
    """Return the tracks with the columns that tracking did not look at, taken from each row's detection."""
    detection = tracks[DETECTION].to_numpy()
    columns = {
        name: tracks[name] if name in tracks else others[name].array.take(detection)
        for name in (*names, *NAMES)
    }
    return pd.DataFrame(columns, copy=False)
