"""The movie of real cells as it is evaluated on: frames of its right half with the instrument's outlines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile

from lensfree.simulate.real_cells import RealCells

PHASE = "mda_mb_231_phase.tif"
OUTLINES = "mda_mb_231_outlines.tif"

MAX_OPD_NM = 600.0
"""OPD of the brightest grey level: cells wrap, as rounded ones do."""

OUTLINES_EVERY = 30
"""The outlines are those of every how many frames of the movie."""


@dataclass(frozen=True)
class MovieFrame:
    """One frame of the half that no training uses.

    Attributes:
        frame: its number in the movie.
        opd_nm: (y, x).
        outlines: (y, x), 0 outside cells.
    """

    frame: int
    opd_nm: np.ndarray
    outlines: np.ndarray


def movie_frames(folder: Path) -> Iterator[MovieFrame]:
    """Yield the frames of the movie's right half that have outlines.

    Raises:
        ValueError: if there are more outlines than frames for them.
    """
    movie = RealCells(tifffile.imread(folder / PHASE)).half("right")
    outlines = tifffile.imread(folder / OUTLINES)[:, :, -movie.counts.shape[2] :]
    if (len(outlines) - 1) * OUTLINES_EVERY >= len(movie.counts):
        raise ValueError(
            f"{folder}: outlines of {len(outlines)} frames, one every {OUTLINES_EVERY}, and a movie of "
            f"{len(movie.counts)} frames; expected outlines within the movie: fetch both files again"
        )
    nm_per_count = movie.nm_per_count(MAX_OPD_NM)
    for index, outline in enumerate(outlines):
        frame = index * OUTLINES_EVERY
        yield MovieFrame(frame, movie.frame_nm(frame, nm_per_count), outline)
