"""Scoring on a movie of real cells: the ten cells that the shipped detector ranks highest, and what they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

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
    joined, unmatched = join_seen(places, shown["kind"].tolist(), seen)
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
    return summarise(scored, joined)


def summarise(scored: ScoredMovie, seen: Sequence[Seen | None]) -> dict[str, Measure]:
    """Return how many histories were judged and flagged, and what a person says of the highest ranked."""
    looked = [one for one in seen if one is not None]
    n_series, n_judged = len(scored.scores), scored.n_judged
    said = (
        "movie of real cells, 6 min per frame assumed, shipped detector trained on simulated cells; the "
        f"{len(seen)} highest ranked of {n_judged}, judged by eye"
    )

    def share(count: float, n: int) -> float:
        return count / n if n else float("nan")

    def judged(count: int, better: str, meaning: str) -> Measure:
        return Measure(share(count, len(looked)), "1", better, len(looked), (), None, f"{meaning}; {said}")  # type: ignore[arg-type]

    return {
        "score.livecyte.long_enough": Measure(
            share(n_judged, n_series),
            "1",
            "higher",
            n_series,
            (),
            None,
            "share of histories that are as long as a window; movie of real cells, 6 min per frame assumed",
        ),
        "score.livecyte.flagged": Measure(
            share(float(scored.scores["is_flagged"].sum()), n_judged),
            "1",
            "lower",
            n_judged,
            (),
            None,
            f"share of the judged histories that are flagged, where score.alpha asks for {scored.alpha:g} of normal "
            "ones; movie of real cells, 6 min per frame assumed",
        ),
        "score.livecyte.errors": judged(
            sum(one.is_error for one in looked), "lower", "share that are errors of tracking or measurement"
        ),
        "score.livecyte.normal": judged(
            sum(one.verdict == "false_positive" for one in looked), "lower", "share that are normal cells"
        ),
        "score.livecyte.kind_right": judged(
            sum(one.is_kind_right for one in looked), "higher", "share whose kind is told right"
        ),
    }
