"""Real cells: the right half of the movie, whose left half trains, against the instrument's outlines.

The movie is another microscope's OPD and is looked at directly, without holograms. Its outlines were made
automatically, with the movie: a second opinion, not the truth.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile

from lensfree.cells.background import estimate_background
from lensfree.cells.measure import measure_regions
from lensfree.cells.pairing import regression
from lensfree.config import Config
from lensfree.simulate.real_cells import RealCells
from lensfree.stages.evaluate_semireal import MAX_OPD_NM, OUTLINES_EVERY
from lensfree.stages.measures import Measure
from lensfree.stages.quant_looks import Comparison, Look, Method
from lensfree.stages.quant_summary import Wording, summarise

PHASE = "mda_mb_231_phase.tif"
OUTLINES = "mda_mb_231_outlines.tif"
OF_WHAT = "dry_mass_pg"


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


@dataclass(frozen=True)
class MovieRow:
    """What a method finds in one frame.

    Attributes:
        frame: its number in the movie.
        n_outlines: cells that the instrument outlined.
        recall: share of them that was found, NaN without any.
        precision: share of the cells found that the instrument has, NaN without any.
        mass_r2: of the line of dry mass, NaN with fewer than 3 pairs.
    """

    frame: int
    n_outlines: int
    recall: float
    precision: float
    mass_r2: float


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


def look_at(frame: MovieFrame, method: Method, config: Config) -> Look:
    """Return the method's cells beside the instrument's, measured over its outlines above the background."""
    pitch_um, quantify = config.fields.pixel_pitch_um, config.quantify
    background_nm = estimate_background(
        frame.opd_nm, pitch_um, scale_um=quantify.background_um, threshold_nm=quantify.threshold_nm
    )
    outlined = measure_regions(
        frame.opd_nm - background_nm,
        frame.outlines.astype(np.int64),
        pitch_um,
        quantify.specific_refraction_increment_um3_per_pg,
    )
    return Look(method(frame.opd_nm).cells, outlined, frame.opd_nm.shape, pitch_um)


def rows_of(frames: Sequence[MovieFrame], looks: Sequence[Look]) -> list[MovieRow]:
    """Return what was found, frame by frame."""
    return [
        MovieRow(
            frame.frame, look.detection.n_true, look.detection.recall, look.detection.precision, _r2(look)
        )
        for frame, look in zip(frames, looks, strict=True)
    ]


def summarise_movie(prefix: str, looks: Sequence[Look], who: str) -> dict[str, Measure]:
    """Return detection and the line of dry mass over all frames; a cell counts once in each."""
    wording = Wording(
        cells=f"cells found by {who} against the instrument's outlines (automatic, no ground truth)",
        found=f"{who}'s",
        true="the outlines'",
        where=", real cells, right half of the movie",
    )
    return summarise(prefix, Comparison.of_cells(looks), (), wording=wording, names=(OF_WHAT,))


def _r2(look: Look) -> float:
    if len(look.truth) < 3:
        return float("nan")
    return regression(look.found[OF_WHAT].to_numpy(), look.truth[OF_WHAT].to_numpy()).r2
