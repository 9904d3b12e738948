"""Faults on purpose, over the whole workflow: jobs killed, files damaged, inputs spoilt, the disk filled.

Usage: python benchmarks/soak.py [--kills N] [--seed S] [--folder DIR] [--docs DIR]

Runs on tiny synthetic acquisitions. Whatever is done, the same command must finish with the files of an
undisturbed run, byte for byte, or stop with a message that names the file. Writes docs/reliability.md.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
from pathlib import Path

import numpy as np
from soak_faults import Outcome, damage_results, fill_the_disk, spoil_inputs
from soak_kills import Kills, lives_of, run_and_kill
from soak_page import build_page
from soak_place import ROOT, Place, make_place

from lensfree.io.files import written_whole

ROOMS_KB = (100, 260)
SNAKEMAKE_KILLS = 4


def soak_kills(place: Place, life_s: dict[str, float], n_kills: int, seed: int) -> tuple[Kills, bool]:
    """Kill jobs of every stage, and Snakemake itself, until all planned kills are made; then let it finish.

    Returns:
        What was killed, and whether the run ended well.
    """
    rng = np.random.default_rng(seed)
    stages = sorted(life_s)
    per_stage = {
        stage: n_kills // len(stages) + (i < n_kills % len(stages)) for i, stage in enumerate(stages)
    }
    kills = Kills(dict(per_stage), life_s)
    for _ in range(SNAKEMAKE_KILLS):
        run_and_kill(place, kills, rng, stop_after_s=float(rng.uniform(0.3, 1.0)) * sum(life_s.values()))
        place.run("--unlock")
    is_done = run_and_kill(place, kills, rng, stop_after_s=None)
    for stage in [s for s, n in kills.planned.items() if n > 0]:
        # What the random moments left over: the stage is asked for again on its own.
        for _ in range(10):
            if kills.planned[stage] <= 0:
                break
            is_done = run_and_kill(_only(place, stage), kills, rng, None) and is_done
    is_done = place.run()[0] and is_done
    return kills, is_done


def _only(place: Place, stage: str) -> Place:
    """Return the place with the outputs of a stage removed, so that it runs again."""
    patterns = {
        "simulate": "virtual/truth.parquet",
        "background": "plate/background.h5",
        "load": "*/holograms/0000.h5",
        "ingest": "movie/opd/*.h5",
        "check": "*/frames.parquet",
        "focus": "*/focus.parquet",
        "reconstruct": "[pv]*/opd/*.h5",
        "quantify": "movie/cells/*.parquet",
        "train_score": "datasets/*/*.safetensors",
        "flags": "movie/flags.csv",
        "report": "*/report.html",
        "export": "movie/export/tracks.*",
    }
    for path in place.results.glob(patterns.get(stage, f"movie/{stage}s.parquet")):
        path.unlink()
    return place


def main() -> None:
    """Run every fault and write the page; status 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=56)
    parser.add_argument("--seed", type=int, default=17)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--docs", type=Path, default=ROOT / "docs")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        undisturbed = make_place(Path(folder))
        is_ok, life_s = lives_of(undisturbed)
        if not is_ok:
            raise SystemExit(f"the undisturbed run failed:\n{undisturbed.said()}")
        truth = undisturbed.digests()
        print(f"undisturbed: {len(truth)} files, stages {sorted(life_s)}", _cpu_s(), flush=True)
        killed = undisturbed.copied_to(Path(folder) / "killed", with_results=False)
        kills, is_done = soak_kills(killed, life_s, given.kills, given.seed)
        found = killed.digests()
        differing = sorted(name for name in truth.keys() | found.keys() if truth.get(name) != found.get(name))
        left_over = killed.left_over()
        print(f"killed: {kills.done}, {kills.snakemake} of all; differing {differing}", _cpu_s(), flush=True)
        rng = np.random.default_rng(given.seed)
        outcomes: list[Outcome] = damage_results(undisturbed, truth, rng)
        print(f"damaged: {sum(o.is_good for o in outcomes)} of {len(outcomes)}", _cpu_s(), flush=True)
        for name in ("spoilt", "full"):
            place = undisturbed.copied_to(Path(folder) / name, with_results=False)
            place.names = ("plate",)
            place.write()
            if name == "spoilt":
                outcomes += spoil_inputs(place, truth, rng)
            elif os.geteuid() == 0:
                outcomes += fill_the_disk(place, truth, ROOMS_KB)
            else:
                print("the disk was not filled: mounting a small one takes root")
            print(f"{name}: {sum(o.is_good for o in outcomes)} of {len(outcomes)}", _cpu_s(), flush=True)
        page = build_page(kills, outcomes, len(truth), differing, left_over, given, _cpu_s())
        with written_whole(given.docs / "reliability.md") as partial:
            partial.write_text(page, encoding="utf-8")
    is_good = is_done and not differing and not kills.left and all(o.is_good for o in outcomes)
    sys.exit(0 if is_good else 1)


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return round(sum(u.ru_utime + u.ru_stime for u in used), 1)


if __name__ == "__main__":
    main()
