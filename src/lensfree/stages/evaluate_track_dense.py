"""Tracking on dense sets: a full sensor for three days with 1, 3 and 10 thousand cells at its end.

Synthetic detections with known truth, tracked as an acquisition is, with the settings of the section
`track` and nothing tuned for a set.
"""

from __future__ import annotations

import logging
import resource
import time

import numpy as np

from lensfree.config import Config
from lensfree.simulate.dense import FOUNDERS, NOISES, simulate_dense
from lensfree.stages.measures import Measure
from lensfree.stages.track import track_cells
from lensfree.stages.track_meanings import MEANINGS
from lensfree.tracks.scoring import score_tracks

logger = logging.getLogger(__name__)

TARGETS = {
    "1k": {"md30": 0.92},
    "3k": {"division_f1": 0.97, "md30": 0.85},
    "10k": {"division_f1": 0.92, "complete_tracks": 0.85, "md30": 0.70},
    "10k_35pg": {"md30": 0.62},
}


def measure_dense(config: Config) -> dict[str, Measure]:
    """Return the means over seeds, a set after the other; what one costs stands in the log."""
    evaluate = config.evaluate
    seeds_of = dict(zip(NOISES, (evaluate.track_dense_seeds, evaluate.track_dense_seeds_35pg), strict=True))
    measures: dict[str, Measure] = {}
    for noise, counts in seeds_of.items():
        for size, count in zip(FOUNDERS, counts, strict=True):
            seeds = evaluate.seeds[:count]
            if seeds:
                measures |= _measure_set(f"{size}{noise}", seeds, config)
    return measures


def _measure_set(name: str, seeds: tuple[int, ...], config: Config) -> dict[str, Measure]:
    scores, n_detections = [], 0
    for seed in seeds:
        detections, truth = simulate_dense(name, seed)
        n_detections += len(detections)
        start = time.process_time()
        tracks = track_cells(detections.drop(columns="true_id").assign(model="simulated"), config.track)
        tracked = time.process_time()
        scores.append(score_tracks(tracks, truth, max_distance_um=config.evaluate.track_pairing_um))
        logger.info(
            "%s, seed %d: %d detections tracked in %.1f CPU s, scored in %.1f CPU s; memory so far %.2f GB",
            *(name, seed, len(detections), tracked - start, time.process_time() - tracked),
            resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
        )
    n_cells = (truth["frame"] == truth["frame"].max()).sum()

    def measure(figure: str) -> Measure:
        values = [score[figure] for score in scores]
        spread = f"; spread over seeds {min(values):.3f} to {max(values):.3f}" if len(values) > 1 else ""
        return Measure(
            value=float(np.mean(values)),
            unit="1",
            better="higher",
            n=n_detections,
            seeds=seeds,
            target=TARGETS.get(name, {}).get(figure),
            meaning=f"{MEANINGS[figure]}; dense set {name}, synthetic, {n_cells} cells at the end{spread}",
        )

    return {f"track.{name}.{figure}": measure(figure) for figure in MEANINGS}
