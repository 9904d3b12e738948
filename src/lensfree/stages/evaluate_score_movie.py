"""Scoring on a movie of real cells: what the ten cells are that the shipped detector ranks highest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from lensfree.anomaly.verdicts import FALSE_POSITIVE
from lensfree.config import Config
from lensfree.io.files import written_whole
from lensfree.report.odd_cells import draw_odd_cells
from lensfree.report.style import to_png
from lensfree.stages.detector_file import load_detector
from lensfree.stages.followed_movie import FollowedMovie
from lensfree.stages.measures import Measure
from lensfree.stages.movie_verdicts import Seen, join_seen, read_seen
from lensfree.stages.represent import load_represent
from lensfree.stages.score_movie_page import build_page
from lensfree.stages.score_movie_pictures import odd_cells, onset_place
from lensfree.stages.scored_movie import ScoredMovie, distinct_cells, score_movie
from lensfree.units import MIN_PER_H

SHOWN = 10


def run(
    *,
    config: Config,
    quantify_weights: Path,
    detector: Path,
    real: Path,
    verdicts: Path,
    page: Path,
    figure: Path,
) -> dict[str, Measure]:
    """Score the movie; write the page on its highest-ranked cells and their figure.

    Args:
        config: sections `quantify`, `track`, `series` and `score`.
        quantify_weights: network that finds the cells.
        detector: file of the shipped detector.
        real: folder of real samples, with `livecyte_movie` in it.
        verdicts: table of what a person saw, see `movie_verdicts`.
        page: Markdown file to write.
        figure: PNG file to write; the page shows scoring_livecyte.png beside it.
    """
    seen = read_seen(verdicts)
    movie = FollowedMovie.read(real / "livecyte_movie")
    n_frames = len(movie.counts)
    scored = score_movie(movie.opd_nm, n_frames, load_represent(quantify_weights), detector, config)
    shown = distinct_cells(scored.ranked, scored.series, SHOWN)
    places = [onset_place(scored, row) for _, row in shown.iterrows()]
    joined, unmatched = join_seen(places, seen)
    score = config.score
    text = build_page(
        scored,
        shown,
        places,
        joined,
        unmatched,
        trained_on=load_detector(detector)[1].trained_on,
        n_frames=n_frames,
        window_h=(score.input_points + score.target_points) * score.interval_min / MIN_PER_H,
        least_h=config.series.min_length_h,
    )
    with written_whole(page) as partial:
        partial.write_text(text, encoding="utf-8")
    with written_whole(figure) as partial:
        partial.write_bytes(to_png(draw_odd_cells(odd_cells(scored, shown, movie.opd_nm, config.quantify))))
    return summarise(scored, joined, shown["kind"].tolist())


def summarise(scored: ScoredMovie, seen: Sequence[Seen | None], kinds: Sequence[str]) -> dict[str, Measure]:
    """Return how many histories were judged and flagged, and what a person says of the highest ranked.

    What nobody has looked at is in none of the shares.

    Args:
        scored: the movie.
        seen: what a person saw of each cell that is shown.
        kinds: what the detector calls each.
    """
    looked = [one for one in seen if one is not None]
    right = [one.says_right(kind) for one, kind in zip(seen, kinds, strict=True) if one is not None]
    asked = [answer for answer in right if answer is not None]
    real = "movie of real cells, 6 min per frame assumed, shipped detector trained on simulated cells"
    eye = f"the {len(seen)} highest ranked of {scored.n_judged}, judged by eye; {real}"
    is_judged = scored.scores["n_windows"] > 0
    flagged = scored.scores.loc[is_judged, "is_flagged"]
    found = {
        "long_enough": _share(is_judged, "higher", f"share of histories as long as a window; {real}"),
        "flagged": _share(
            flagged,
            "lower",
            f"share of judged histories that are flagged, where score.alpha asks for {scored.alpha:g} of "
            f"normal ones; {real}",
        ),
        "errors": _share(
            [one.is_error for one in looked],
            "lower",
            f"share that are errors of tracking or measurement; {eye}",
        ),
        "normal": _share(
            [one.verdict == FALSE_POSITIVE for one in looked], "lower", f"share that are normal cells; {eye}"
        ),
        "kind_right": _share(asked, "higher", f"share whose kind is told right; {eye}"),
    }
    return {f"score.livecyte.{name}": measure for name, measure in found.items() if measure.n}


def _share(is_so: Sequence[bool] | pd.Series, better: Literal["lower", "higher"], meaning: str) -> Measure:
    value = float(np.mean(is_so)) if len(is_so) else float("nan")
    return Measure(value, "1", better, len(is_so), (), None, meaning)
