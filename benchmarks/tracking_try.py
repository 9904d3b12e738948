"""Print the scores of lensfree's tracker, quickly, while working on it.

Usage: python benchmarks/tracking_try.py [WHAT ...] [--seed N] [--set FIELD=VALUE ...] [--profile]
WHAT: the dense synthetic sets 1k 3k 10k with a dry mass noise of 19 pg and 1k_35pg 3k_35pg 10k_35pg,
mcf10a (tracks made by hand) and livecyte (movie of real cells; --breaks lists where identities break).
The default seed is the development seed; keep those of the section `evaluate` for the final measurement.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import resource
import time
from pathlib import Path

import pandas as pd
import yaml
from tracking_sets import DEVELOPMENT_SEED, KEPT, detections_of, truth_of

from lensfree.config import Config
from lensfree.io.files import written_whole
from lensfree.model_files import weights_file
from lensfree.simulate.dense import SETS
from lensfree.stages.evaluate_track_manual import measure_manual
from lensfree.stages.evaluate_track_movie import LONG_FRAMES, NEARLY, REACH_UM
from lensfree.stages.followed_movie import FollowedMovie
from lensfree.stages.represent import load_represent
from lensfree.stages.track import track_cells
from lensfree.tracks.followed import follow
from lensfree.tracks.scoring import score_tracks

ROOT = Path(__file__).parents[1]
REAL = ROOT / "demo" / "real"
FIGURES = ("link_f1", "division_precision", "division_recall", "division_f1", "complete_tracks", "md30")


def main(arguments: list[str] | None = None) -> None:
    """Track and score what is named, one line each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="*", default=["1k", "1k_35pg"], metavar="WHAT")
    parser.add_argument("--seed", type=int, default=DEVELOPMENT_SEED)
    parser.add_argument("--set", nargs="*", default=[], metavar="FIELD=VALUE", help="of the section track")
    parser.add_argument("--profile", action="store_true", help="say where the time goes")
    parser.add_argument("--breaks", action="store_true", help="list the breaks in the movie")
    options = parser.parse_args(arguments)
    if unknown := set(options.what) - {*SETS, "mcf10a", "livecyte"}:
        parser.error(f"unknown {sorted(unknown)}, expected some of {[*SETS, 'mcf10a', 'livecyte']}")
    config = with_settings(Config(), options.set)
    for name in options.what:
        if name == "mcf10a":
            for key, measure in measure_manual(REAL / "mcf10a_lineages", config).items():
                print(f"{key} {measure.value:.4f}", flush=True)
        elif name == "livecyte":
            try_movie(config, options.breaks)
        else:
            try_set(name, options.seed, config, options.profile)


def with_settings(config: Config, pairs: list[str]) -> Config:
    """Return the configuration with `field=value` pairs in its section `track`."""
    settings = {name: yaml.safe_load(value) for name, value in (pair.split("=", 1) for pair in pairs)}
    track = type(config.track).model_validate({**config.track.model_dump(), **settings})
    return config.model_copy(update={"track": track})


def try_set(name: str, seed: int, config: Config, has_profile: bool) -> None:
    """Print the scores of one set, what they cost, and where the time goes."""
    detections, truth = detections_of(name, seed), truth_of(name, seed)
    profile = cProfile.Profile(time.process_time)
    start = time.process_time()
    if has_profile:
        tracks = profile.runcall(track_cells, detections, config.track)
    else:
        tracks = track_cells(detections, config.track)
    cpu_s = time.process_time() - start
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    scores = score_tracks(tracks, truth, max_distance_um=config.evaluate.track_pairing_um)
    figures = "  ".join(f"{figure} {scores[figure]:.4f}" for figure in FIGURES)
    print(f"{name:8s} {cpu_s:6.1f} CPU s, process {peak_gb:.2f} GB  {figures}", flush=True)
    if has_profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)
        pstats.Stats(profile).sort_stats("cumulative").print_stats("lensfree", 25)


def try_movie(config: Config, has_breaks: bool) -> None:
    """Print how many of the cells that the instrument followed for long stay whole."""
    movie = FollowedMovie.read(REAL / "livecyte_movie")
    tracks = track_cells(movie_cells(movie, config), config.track)
    followed = follow(tracks, movie.others, min_frames=LONG_FRAMES, reach_um=REACH_UM)
    whole, nearly = (
        sum(flags)
        for flags in zip(*((one.is_whole, one.is_nearly_whole(NEARLY)) for one in followed), strict=True)
    )
    print(f"livecyte: {whole} of {len(followed)} long tracks whole, {nearly} with 95 % of their frames")
    for one in followed if has_breaks else []:
        print(f"  {one.cell_id}: {one.frames} frames, {one.found} found, {one.covered} on one path")
        for at in one.breaks:
            print(f"    frame {at.frame} y {at.y_um:.0f} x {at.x_um:.0f} um: {at.what}")


def movie_cells(movie: FollowedMovie, config: Config, kept: Path = KEPT) -> pd.DataFrame:
    """Return the cells of the movie, found once and kept."""
    path = kept / "movie_cells.parquet"
    if not path.exists():
        represent = load_represent(weights_file(config.quantify.model, ROOT / "models"))
        with written_whole(path) as partial:
            movie.cells(represent, config.quantify).to_parquet(partial)
    return pd.read_parquet(path)


if __name__ == "__main__":
    main()
