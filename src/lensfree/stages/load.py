"""Stage load: the TIFF files of a chunk of frames -> counts in HDF5, and how each frame looks."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lensfree.acquisitions import Acquisition
from lensfree.config import OnBadFrame, StorageConfig
from lensfree.contracts import FRAMES
from lensfree.io.backgrounds import read_background
from lensfree.io.stacks import create_holograms
from lensfree.io.tables import write_table
from lensfree.io.tiff import BadFrameError, check_like, list_frames, read_frame
from lensfree.optics.background import DARK_FRACTION
from lensfree.progress import followed, part
from lensfree.saturation import saturated_pixels
from lensfree.sources import FrameSource

logger = logging.getLogger(__name__)


def run(
    *,
    acquisition: Acquisition,
    first_frame: int,
    n_frames: int,
    background: Path,
    out: Path,
    frames_out: Path,
    on_bad_frame: OnBadFrame,
    storage: StorageConfig,
    provenance: Mapping[str, Any],
) -> None:
    """Store the counts of a chunk as recorded; intensity is formed on reading.

    Raises:
        BadFrameError: if a frame cannot be used and `on_bad_frame` is `error`.
    """
    may_lack = on_bad_frame == "gap"
    listed = list_frames(acquisition.files, acquisition.channels, may_lack_frames=may_lack)
    sources = listed[first_frame : first_frame + n_frames]
    beam, dtype = read_background(background)
    rows: list[tuple[int, float, bool, str, float, float]] = []
    with create_holograms(
        out,
        n_frames=n_frames,
        first_frame=first_frame,
        dtype=dtype,
        background=beam,
        channels=acquisition.channels,
        wavelength_nm=acquisition.wavelength_nm,
        pixel_pitch_um=acquisition.pixel_pitch_um,
        sources=[[path.as_posix() for path in source.files] for source in sources],
        storage=storage,
        provenance=provenance,
    ) as sink:
        for index, source in enumerate(followed(sources)):
            time_h = acquisition.time_h(source.frame)
            try:
                with part("read"):
                    counts = read_frame(source, len(acquisition.channels))
                check_like(source, counts, beam, dtype)
                _check_light(source, counts, beam)
            except BadFrameError as error:
                if not may_lack:
                    raise
                logger.warning("frame %d is missing: %s", source.frame, error)
                sink.write(index, time_h=time_h, counts=None, reason=str(error))
                rows.append((source.frame, time_h, True, str(error), np.nan, np.nan))
                continue
            with part("write"):
                sink.write(index, time_h=time_h, counts=counts)
            saturated = float(np.mean(saturated_pixels(counts)))
            rows.append((source.frame, time_h, False, "", float(np.mean(counts / beam)), saturated))
    write_table(frames_out, pd.DataFrame(rows, columns=list(FRAMES.columns)), FRAMES, provenance=provenance)


def _check_light(source: FrameSource, counts: np.ndarray, beam: np.ndarray) -> None:
    """Raise if a channel got almost no light: normalised by its own median it would pass for a hologram."""
    for channel, (plane, open_beam) in enumerate(zip(counts, beam, strict=True)):
        level = float(np.median(plane[::4, ::4] / open_beam[::4, ::4]))  # that many pixels tell
        if level < DARK_FRACTION:
            path = source.files[min(channel, len(source.files) - 1)]
            raise BadFrameError(
                f"{path}: channel {channel} has {level:.1%} of the background's light (median), expected at "
                f"least {DARK_FRACTION:.0%}; check its lamp and exposure, or the background"
            )
