"""Stage ingest: OPD or phase maps of another microscope -> an OPD chunk like a reconstructed one."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lensfree.acquisitions import Acquisition
from lensfree.config import IngestConfig, OnBadFrame, StorageConfig
from lensfree.contracts import FRAMES
from lensfree.io.stacks import create_opd
from lensfree.io.tables import write_table
from lensfree.io.tiff import BadFrameError, check_like, list_frames, read_map
from lensfree.origin import array_sha256
from lensfree.phase.level import background_level_nm, background_sd_nm, nm_per_unit
from lensfree.progress import followed, part
from lensfree.sources import FrameSource

logger = logging.getLogger(__name__)


def run(
    *,
    acquisition: Acquisition,
    first_frame: int,
    n_frames: int,
    out: Path,
    frames_out: Path,
    config: IngestConfig,
    on_bad_frame: OnBadFrame,
    storage: StorageConfig,
    provenance: Mapping[str, Any],
) -> None:
    """Convert the maps of a chunk to nm and set their background to 0.

    Absorption is unknown and stored as 0, distance and misfit as NaN.

    Raises:
        BadFrameError: if a map cannot be used and `on_bad_frame` is `error`.
    """
    may_lack = on_bad_frame == "gap"
    listed = list_frames(acquisition.files, acquisition.channels, may_lack_frames=may_lack)
    scale_nm = nm_per_unit(acquisition.opd_unit, acquisition.wavelength_nm)
    reference = _first_map(listed, may_lack)
    rows: list[tuple[int, float, bool, str, float, float]] = []
    with create_opd(
        out,
        n_frames=n_frames,
        first_frame=first_frame,
        shape_yx=(reference.shape[0], reference.shape[1]),
        pixel_pitch_um=acquisition.pixel_pitch_um,
        storage=storage,
        provenance={**provenance, "nm_per_unit": scale_nm, "background": config.background},
    ) as sink:
        for index, source in enumerate(followed(listed[first_frame : first_frame + n_frames])):
            time_h = acquisition.time_h(source.frame)
            try:
                with part("read"):
                    values = read_map(source)
                check_like(source, values, reference, values.dtype)
            except BadFrameError as error:
                if not may_lack:
                    raise
                logger.warning("frame %d is missing: %s", source.frame, error)
                sink.write(index, time_h=time_h, opd_nm=None)
                rows.append((source.frame, time_h, True, str(error), np.nan, np.nan))
                continue
            opd_nm = values * scale_nm
            level_nm = background_level_nm(opd_nm) if config.background == "mode" else 0.0
            opd_nm = (opd_nm - level_nm).astype(np.float32)
            logger.info("frame %d: background level %.2f nm", source.frame, level_nm)
            with part("write"):
                sink.write(
                    index,
                    time_h=time_h,
                    opd_nm=opd_nm,
                    background_sd_nm=background_sd_nm(opd_nm),
                    source_sha256=array_sha256(values),
                )
            rows.append((source.frame, time_h, False, "", np.nan, np.nan))
    write_table(frames_out, pd.DataFrame(rows, columns=list(FRAMES.columns)), FRAMES, provenance=provenance)


def _first_map(sources: Sequence[FrameSource], may_lack: bool) -> np.ndarray:
    """Return the first map that can be read; every other must have its shape."""
    for source in sources:
        try:
            return read_map(source)
        except BadFrameError:
            if not may_lack:
                raise
    raise BadFrameError(f"{sources[0].files[0].parent}: no map can be read; check the files")
