"""Stage track: the cells of an acquisition's chunks -> cells with identity, mother and lineage."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lensfree.config import TrackConfig
from lensfree.contracts import CELLS, TRACKS
from lensfree.io.tables import empty_table, read_tables, write_table
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
    scales = estimate_scales(found, config)
    tracks = resolve_divisions(link(found, config, scales), config, scales)
    logger.info("%d detections in %d cells", len(tracks), tracks["cell_id"].nunique())
    write_table(out, tracks, TRACKS, provenance=provenance)
