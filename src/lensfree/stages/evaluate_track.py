"""Accuracy of tracking on simulated detections: links, divisions, whole cells, histories of 30 hours."""

from __future__ import annotations

import numpy as np

from lensfree.config import Config
from lensfree.simulate.detections import simulate_detections
from lensfree.stages.measures import Measure
from lensfree.stages.track import track_cells
from lensfree.tracks.scoring import score_tracks

MEANINGS = {
    "link_f1": "F1 of links, mother to daughter included (traccuracy)",
    "division_f1": "F1 of divisions within 3 frames (traccuracy)",
    "complete_tracks": "share of true cells without a wrong link (traccuracy)",
    "md30": "share of true mother and daughter histories of 30 h or more without a wrong link",
}
TARGETS = {"link_f1": 0.99, "division_f1": 0.85}


def run(*, config: Config) -> dict[str, Measure]:
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

    return {f"track.{name}": measure(name) for name in MEANINGS}
