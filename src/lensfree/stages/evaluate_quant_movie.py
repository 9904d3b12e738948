"""Real cells: the right half of the movie, whose left half trains, against the instrument's outlines.

The movie is another microscope's OPD and is looked at directly, without holograms. Its outlines were made
automatically, with the movie: a second opinion, not the truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lensfree.cells.background import above_background_nm
from lensfree.cells.measure import measure_regions
from lensfree.cells.pairing import regression
from lensfree.config import Config
from lensfree.stages.measures import Measure
from lensfree.stages.outlined_movie import MovieFrame
from lensfree.stages.quant_looks import Comparison, Look, Method
from lensfree.stages.quant_summary import Wording, summarise

OF_WHAT = "dry_mass_pg"


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


def look_at(frame: MovieFrame, method: Method, config: Config) -> Look:
    """Return the method's cells beside the instrument's, measured over its outlines above the background."""
    pitch_um, quantify = config.fields.pixel_pitch_um, config.quantify
    outlined = measure_regions(
        above_background_nm(frame.opd_nm, pitch_um, quantify),
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
