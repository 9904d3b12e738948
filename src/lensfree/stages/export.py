"""Stage export: tracks -> a file or folder that another program opens."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lensfree.cells.labels import draw_frames
from lensfree.config import ExportConfig
from lensfree.config_output import ExportFormat
from lensfree.contracts import TRACKS
from lensfree.io.exports.ctc import write_ctc
from lensfree.io.exports.geff_graph import write_geff
from lensfree.io.exports.spreadsheet import write_csv
from lensfree.io.exports.trackmate import Recording, write_trackmate
from lensfree.io.stacks import open_opd
from lensfree.io.tables import read_table
from lensfree.tracks.graph import build_graph
from lensfree.tracks.stretches import cut_at_gaps

logger = logging.getLogger(__name__)


def run(
    *,
    tracks: Path,
    opd: Path,
    out: Path,
    format: ExportFormat,
    n_frames: int,
    frame_interval_h: float,
    config: ExportConfig,
    provenance: Mapping[str, Any],
) -> None:
    """Write the tracks of one acquisition, n_frames long, in one format.

    Any chunk of OPD will do: it knows the size and the pixel pitch of the field.
    """
    graph = build_graph(read_table(tracks, TRACKS))
    with open_opd(opd) as reader:
        recording = Recording(reader.shape_yx, reader.pixel_pitch_um, n_frames, frame_interval_h)
    cells, edges, is_division = graph.cells, graph.edges, graph.is_division
    radius_um, pitch_um = config.disc_diameter_um / 2, recording.pixel_pitch_um
    logger.info("%s: %d rows, %d edges, %d to daughters", format, len(cells), len(edges), is_division.sum())
    if format == "csv":
        write_csv(out, cells)
    elif format == "trackmate":
        write_trackmate(out, cells, edges, is_division, recording, radius_um)
    elif format == "geff":
        write_geff(out, cells, edges, is_division, frame_interval_h, provenance)
    else:
        labels, stretches = cut_at_gaps(graph)
        centres_px = cells[["y_um", "x_um"]].to_numpy() / pitch_um
        frame = cells["frame"].to_numpy()
        masks = draw_frames(frame, centres_px, labels, n_frames, recording.shape_yx, radius_um / pitch_um)
        write_ctc(out, stretches, masks, n_frames)
