"""Stage export: tracks or OPD -> a file or folder that another program opens."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lensfree.cells.labels import draw_frames
from lensfree.config import ExportConfig
from lensfree.config_output import OPD_FORMATS, ExportFormat
from lensfree.contracts import TRACKS
from lensfree.io.exports.ctc import write_ctc
from lensfree.io.exports.geff_graph import write_geff
from lensfree.io.exports.ome_tiff import write_ome_tiff
from lensfree.io.exports.ome_zarr import write_ome_zarr
from lensfree.io.exports.opd_frames import opd_stack
from lensfree.io.exports.spreadsheet import write_csv
from lensfree.io.exports.trackmate import Recording, write_trackmate
from lensfree.io.stacks import open_opd
from lensfree.io.tables import read_table
from lensfree.tracks.graph import build_graph
from lensfree.tracks.stretches import cut_at_gaps

logger = logging.getLogger(__name__)


def run(
    *,
    tracks: Path | None,
    opd: Sequence[Path],
    out: Path,
    format: ExportFormat,
    n_frames: int,
    frame_interval_h: float,
    config: ExportConfig,
    provenance: Mapping[str, Any],
    about: Mapping[str, Any] | None = None,
) -> None:
    """Write tracks or OPD of one acquisition, n_frames long, in one format.

    Args:
        tracks: the table; not read for a format of OPD.
        opd: every chunk for a format of OPD; for tracks any chunk will do, which knows size and pixel pitch.
        out: the file or folder; a CSV file has its metadata beside it.
        format: which one.
        n_frames: of the acquisition.
        frame_interval_h: time between two frames.
        config: the section `export`.
        provenance: plain values that explain the result.
        about: what else a reader of OPD should know: wavelengths, medium.

    Raises:
        ValueError: if the tracks are missing, or what is to be written is wrong.
    """
    if format in OPD_FORMATS:
        made = {name: value for name, value in provenance.items() if name != "about"}
        said = {**(about or {}), "provenance": made}
        stack = opd_stack(opd, frame_interval_h=frame_interval_h, dtype=config.opd_dtype, about=said)
        logger.info("%s: %d frames, %d missing, %s", format, stack.n_frames, len(stack.missing), stack.dtype)
        write = write_ome_tiff if format == "ome_tiff" else write_ome_zarr
        write(out, stack, str(provenance.get("acquisition", out.parent.parent.name)))
        return
    if tracks is None:
        raise ValueError(f"format {format} needs the table of tracks, got none; run the stage track first")
    graph = build_graph(read_table(tracks, TRACKS))
    with open_opd(opd[0]) as reader:
        recording = Recording(reader.shape_yx, reader.pixel_pitch_um, n_frames, frame_interval_h)
    cells, edges, is_division = graph.cells, graph.edges, graph.is_division
    radius_um, pitch_um = config.disc_diameter_um / 2, recording.pixel_pitch_um
    logger.info("%s: %d rows, %d edges, %d to daughters", format, len(cells), len(edges), is_division.sum())
    if format == "csv":
        write_csv(out, cells, provenance)
    elif format == "trackmate":
        write_trackmate(out, cells, edges, is_division, recording, radius_um, provenance)
    elif format == "geff":
        write_geff(out, cells, edges, is_division, frame_interval_h, provenance)
    else:
        labels, stretches = cut_at_gaps(graph)
        centres_px = cells[["y_um", "x_um"]].to_numpy() / pitch_um
        frame = cells["frame"].to_numpy()
        masks = draw_frames(frame, centres_px, labels, n_frames, recording.shape_yx, radius_um / pitch_um)
        write_ctc(out, stretches, masks, n_frames, provenance)
