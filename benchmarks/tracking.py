"""Other trackers beside lensfree's on the same dense synthetic detections: scores, CPU time, memory.

Every run has a process of its own with one thread; a tracker that is not installed is skipped with a line
that says so. Linux only, for the memory.
Usage: python benchmarks/tracking.py [--sets SET ...] [--only PATTERN] [--again] [--seeds N]
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from fnmatch import fnmatch
from math import isfinite
from typing import Any

import tracking_table
from measured import DOCS, entry
from own_process import in_own_process_within
from tracking_methods import ABLATIONS, METHODS, Method
from tracking_sets import DEVELOPMENT_SEED, are_alike_without_mass, detections_of, truth_of

from lensfree.config import Config
from lensfree.simulate.dense import SETS
from lensfree.tracks.scoring import score_tracks

LIMIT_S = 1800.0
"""A run that takes longer is left out."""

ONE_THREAD = {
    name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
}
SMALLEST = "1k"
BEST_KEPT = 2
"""On larger sets only so many settings are tried: those that were best on the smallest."""

NOISIER = "_35pg"
"""End of the name of a set that differs from the one without it in the noise of dry mass alone."""

ABLATED_SETS = ("1k", "3k", "3k_35pg")


def measured(name: str, set_name: str, seed: int, settings: dict[str, Any], pairing_um: float) -> dict:
    """Return scores and cost of one run; meant for a process of its own."""
    cells = detections_of(set_name, seed)
    tracks, cpu_s, peak_mb = METHODS[name].run(cells, **settings)
    scores = score_tracks(tracks, truth_of(set_name, seed), max_distance_um=pairing_um)
    known = {name: value if isfinite(value) else None for name, value in scores.items()}
    return {"seed": seed, "cpu_s": cpu_s, "peak_mb": peak_mb, "n_detections": len(cells), **known}


def candidates_for(name: str, elsewhere: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the settings to try: all of the grid, or the best two of those tried on a smaller set."""
    best = sorted(elsewhere, key=rank, reverse=True)[:BEST_KEPT]
    return [one["settings"] for one in best] or list(METHODS[name].settings())


def rank(one: dict[str, Any]) -> tuple[float, float]:
    """Return what settings are ranked by: MD30, then complete tracks."""
    return one["md30"], one["complete_tracks"]


def chosen(
    name: str, set_name: str, candidates: Sequence[dict[str, Any]], pairing_um: float
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the best of the settings on the development seed, and all that were tried.

    Raises:
        TimeoutError: if a run is not done within the limit.
    """
    if len(candidates) == 1:
        return candidates[0], []
    tried = []
    for settings in candidates:
        arguments = (name, set_name, DEVELOPMENT_SEED, settings, pairing_um)
        run = in_own_process_within(LIMIT_S, measured, *arguments)
        print(f"{set_name}, {name}, {settings}: {said_of(run)}", flush=True)
        tried.append({"settings": settings, "md30": run["md30"], "complete_tracks": run["complete_tracks"]})
    return max(tried, key=rank)["settings"], tried


def said_of(run: dict[str, Any]) -> str:
    """Return a run in a line."""
    figures = ", ".join(
        f"{figure} {'none' if run[figure] is None else format(run[figure], '.4f')}"
        for figure in tracking_table.FIGURES
    )
    return f"{figures}; {run['cpu_s']:.1f} CPU s, {run['peak_mb']:.0f} MB"


def measured_row(
    name: str,
    set_name: str,
    seeds: Sequence[int],
    known: dict[str, Any] | None,
    elsewhere: Sequence[dict[str, Any]],
    pairing_um: float,
) -> dict[str, Any]:
    """Return one row; with a known one its settings are taken over instead of chosen.

    `elsewhere` is what was tried on a smaller set, nothing if this is the smallest.
    """
    method = METHODS[name]
    settings, tried = (known["settings"], known["tried"]) if known else ({}, [])
    runs: list[dict[str, Any]] = []
    left_out = ""
    try:
        if not known:
            settings, tried = chosen(name, set_name, candidates_for(name, elsewhere), pairing_um)
        for seed in seeds:
            arguments = (name, set_name, seed, settings, pairing_um)
            runs.append(in_own_process_within(LIMIT_S, measured, *arguments))
            print(f"{set_name}, {name}, seed {seed}: {said_of(runs[-1])}", flush=True)
    except TimeoutError:
        runs, left_out = [], f"left out: one run takes more than {LIMIT_S / 60:.0f} min"
    stamp = entry(0.0, "", "", "", 0, __file__)
    return {
        "set": set_name,
        "method": name,
        "is_ablation": is_ablation(name),
        "package": f"{method.package} {method.version}",
        "settings": settings,
        "tried": tried,
        "seeds": list(seeds),
        "n_detections": runs[0]["n_detections"] if runs else 0,
        "runs": runs,
        "left_out": left_out,
        **{key: stamp[key] for key in ("machine", "date", "command")},
    }


def taken_over(set_name: str, name: str, seeds: Sequence[int], rows: dict[str, Any]) -> dict[str, Any] | None:
    """Return the row of a peer on the same detections with less noise in the dry mass, which it does not see.

    None if the tracker sees dry mass, or if there is no such row of these seeds.
    """
    quiet = set_name.removesuffix(NOISIER)
    row = rows.get(f"{quiet}/{name}")
    if quiet == set_name or METHODS[name].package == "lensfree" or row is None or row["seeds"] != list(seeds):
        return None
    if not all(are_alike_without_mass(quiet, set_name, seed) for seed in seeds):
        return None
    return {**row, "set": set_name}


def is_ablation(name: str) -> bool:
    """Return whether this is lensfree with something switched off."""
    return name.removeprefix("lensfree, ") in ABLATIONS


def ordered(rows: dict[str, Any]) -> dict[str, Any]:
    """Return the rows in the order of sets and methods; rows of neither are dropped."""
    keys = [f"{set_name}/{name}" for set_name in SETS for name in METHODS]
    return {key: rows[key] for key in keys if key in rows}


def wanted(sets: Sequence[str], pattern: str) -> list[tuple[str, str]]:
    """Return the pairs of set and method to measure; ablations on their own sets alone."""
    return [
        (set_name, name)
        for set_name in sets
        for name in METHODS
        if fnmatch(f"{set_name}/{name}", pattern) and (not is_ablation(name) or set_name in ABLATED_SETS)
    ]


def main(arguments: list[str] | None = None) -> None:
    """Measure every method on every set, write the table after each row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", default=["1k", "3k"], choices=SETS, metavar="SET")
    parser.add_argument("--only", default="*", metavar="PATTERN", help="rows whose `set/method` matches it")
    parser.add_argument("--again", action="store_true", help="measure known rows with their known settings")
    parser.add_argument("--seeds", type=int, default=2, help="how many of the seeds of `evaluate`")
    options = parser.parse_args(arguments)
    os.environ.update(ONE_THREAD)
    config = Config()
    seeds, pairing_um = config.evaluate.seeds[: options.seeds], config.evaluate.track_pairing_um
    rows = tracking_table.read_rows(DOCS / "tracking.json")
    missing = missing_packages(METHODS)
    for package in missing:
        print(tracking_table.skipped(package))
    for set_name, name in wanted(options.sets, options.only):
        if METHODS[name].package in missing:
            continue
        key = f"{set_name}/{name}"
        known = rows.get(key) if options.again else None
        elsewhere = rows.get(f"{SMALLEST}/{name}", {}).get("tried", []) if set_name != SMALLEST else []
        row = taken_over(set_name, name, seeds, rows)
        row = row or measured_row(name, set_name, seeds, known, elsewhere, pairing_um)
        rows = {**tracking_table.read_rows(DOCS / "tracking.json"), key: row}  # another run may have written
        tracking_table.write(DOCS, ordered(rows), missing, DEVELOPMENT_SEED)


def missing_packages(methods: dict[str, Method]) -> list[str]:
    """Return the packages of trackers that are not installed."""
    return sorted({method.package for method in methods.values() if method.version is None})


if __name__ == "__main__":
    main()
