"""Print the scores of lensfree's tracker on dense synthetic sets, quickly, while working on it.

Usage: python benchmarks/tracking_try.py [SET ...] [--seed N] [--set track.field=value ...] [--profile]
Sets: 1k 3k 10k with a dry mass noise of 19 pg, 1k_35pg 3k_35pg 10k_35pg. The default seed is the
development seed; keep those of the section `evaluate` for the final measurement.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import resource
import time

import yaml
from tracking_sets import DEVELOPMENT_SEED, detections_of, truth_of

from lensfree.config import Config
from lensfree.simulate.dense import SETS
from lensfree.stages.track import track_cells
from lensfree.tracks.scoring import score_tracks

FIGURES = ("link_f1", "division_precision", "division_recall", "division_f1", "complete_tracks", "md30")


def main(arguments: list[str] | None = None) -> None:
    """Track and score each set, one line each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="*", default=["1k", "1k_35pg"], metavar="SET", help=f"of {SETS}")
    parser.add_argument("--seed", type=int, default=DEVELOPMENT_SEED)
    parser.add_argument("--set", nargs="*", default=[], metavar="FIELD=VALUE", help="of the section track")
    parser.add_argument("--profile", action="store_true", help="say where the time goes")
    options = parser.parse_args(arguments)
    config = Config()
    settings = {name: yaml.safe_load(value) for name, value in (pair.split("=", 1) for pair in options.set)}
    track = type(config.track).model_validate({**config.track.model_dump(), **settings})
    print(f"{'set':8s} {'CPU s':>7s} {'GB':>5s}  " + "  ".join(f"{name:>18s}" for name in FIGURES))
    for name in options.sets:
        detections, truth = detections_of(name, options.seed), truth_of(name, options.seed)
        profile = cProfile.Profile(time.process_time)
        start = time.process_time()
        tracks = (
            profile.runcall(track_cells, detections, track)
            if options.profile
            else track_cells(detections, track)
        )
        cpu_s = time.process_time() - start
        peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        scores = score_tracks(tracks, truth, max_distance_um=config.evaluate.track_pairing_um)
        figures = "  ".join(f"{scores[figure]:18.4f}" for figure in FIGURES)
        print(f"{name:8s} {cpu_s:7.1f} {peak_gb:5.2f}  {figures}", flush=True)
        if options.profile:
            pstats.Stats(profile).sort_stats("tottime").print_stats(25)


if __name__ == "__main__":
    main()
