"""Accuracy of tracking: simulated detections and holograms, manual tracks, and a movie of real cells."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lensfree.config import Config
from lensfree.io.files import written_whole
from lensfree.report.breaks import draw_breaks
from lensfree.report.style import to_png
from lensfree.simulate.detections import simulate_detections
from lensfree.stages.evaluate_track_chain import measure_chain
from lensfree.stages.evaluate_track_dense import measure_dense
from lensfree.stages.evaluate_track_manual import measure_manual
from lensfree.stages.evaluate_track_movie import measure_movie, shown_breaks
from lensfree.stages.followed_movie import FollowedMovie
from lensfree.stages.measures import Measure
from lensfree.stages.represent import load_represent
from lensfree.stages.track import track_cells
from lensfree.stages.track_meanings import MEANINGS
from lensfree.stages.track_page import build_page
from lensfree.tracks.scoring import score_tracks

NAMES = ("link_f1", "division_f1", "complete_tracks", "md30")
TARGETS = {"link_f1": 0.99, "division_f1": 0.85}


def run(
    *,
    config: Config,
    refine_weights: Path | None,
    quantify_weights: Path,
    real: Path,
    page: Path,
    figure: Path,
) -> dict[str, Measure]:
    """Measure tracking; write the page on the movie and its figure.

    Args:
        config: every section up to `track`, and `evaluate`.
        refine_weights: network of the reconstruction, None without.
        quantify_weights: network that finds the cells of the culture and the movie.
        real: folder of real samples, with `mcf10a_lineages` and `livecyte_movie` in it.
        page: Markdown file to write.
        figure: PNG file to write; the page shows tracking_livecyte.png beside it.
    """
    measures = measure_cultures(config) | measure_dense(config)
    measures |= measure_chain(config, refine_weights, quantify_weights)
    measures |= measure_manual(real / "mcf10a_lineages", config)
    movie = FollowedMovie.read(real / "livecyte_movie")
    followed, tracks, of_movie = measure_movie(movie, load_represent(quantify_weights), config)
    with written_whole(page) as partial:
        partial.write_text(build_page(of_movie, followed), encoding="utf-8")
    with written_whole(figure) as partial:
        partial.write_bytes(to_png(draw_breaks(shown_breaks(movie, followed, tracks))))
    return measures | of_movie


def measure_cultures(config: Config) -> dict[str, Measure]:
    """Track one simulated culture per held-out seed and average the scores.

    The detections miss cells, invent some, fuse near ones and carry noise on position and dry mass.
    """
    evaluate = config.evaluate
    culture = config.simulate.model_copy(
        update={"frames": evaluate.track_frames, "cells_per_mm2": evaluate.track_cells_per_mm2}
    )
    scores, n_detections = [], 0
    for seed in evaluate.seeds:
        detections, truth = simulate_detections(
            culture,
            shape_um=evaluate.track_field_um,
            frame_interval_min=evaluate.track_interval_min,
            rng=np.random.default_rng([seed, 7]),
        )
        n_detections += len(detections)
        found = track_cells(detections.assign(model="simulated"), config.track)
        scores.append(score_tracks(found, truth, max_distance_um=evaluate.track_pairing_um))
    said = f"simulated detections, {evaluate.track_frames} frames; spread over seeds"

    def measure(name: str) -> Measure:
        values = [score[name] for score in scores]
        meaning = f"{MEANINGS[name]}; {said} {min(values):.3f} to {max(values):.3f}"
        return Measure(
            float(np.mean(values)), "1", "higher", n_detections, evaluate.seeds, TARGETS.get(name), meaning
        )

    return {f"track.{name}": measure(name) for name in NAMES}
