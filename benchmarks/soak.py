"""Faults on purpose, over the whole workflow: jobs killed, files damaged, inputs spoilt, the disk filled.

Usage: python benchmarks/soak.py [--kills N] [--seed S] [--folder DIR] [--docs DIR] [PHASE ...]

Runs on tiny synthetic acquisitions. Whatever is done, the same command must finish with the files of an
undisturbed run, byte for byte, or stop with a message that names the file. Each phase leaves what it found in
DIR; docs/reliability.md is written from all of them.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from soak_faults import damage_results, fill_the_disk, spoil_inputs
from soak_kills import Kills, lives_of, run_and_kill
from soak_page import build_page
from soak_place import ROOT, Place, make_place

from lensfree.io.files import written_whole

ROOMS_KB = (100, 4200)
SNAKEMAKE_KILLS = 3
SNAKEMAKE_LIFE_S = (10.0, 45.0)
ASK_AGAIN = 30
OUTPUTS = {
    "simulate": "virtual/truth.parquet",
    "background": "plate/background.h5",
    "load": "*/holograms/0000.h5",
    "ingest": "movie/opd/*.h5",
    "check": "*/frames.parquet",
    "focus": "*/focus.parquet",
    "reconstruct": "[pv]*/opd/*.h5",
    "quantify": "movie/cells/*.parquet",
    "track": "movie/tracks.parquet",
    "series": "movie/series.parquet",
    "train_score": "datasets/*/*.safetensors",
    "score": "movie/scores.parquet",
    "flags": "movie/flags.csv",
    "report": "*/report.html",
    "export": "movie/export/tracks.*",
}


def undisturbed_in(folder: Path) -> tuple[Place, Mapping[str, str], Mapping[str, float]]:
    """Return the undisturbed run, its files by digest, and how long jobs of each stage live; run it once."""
    place = Place(folder / "project", folder / "undisturbed")
    kept = folder / "undisturbed.json"
    if not kept.exists():
        place = make_place(folder)
        is_ok, life_s = lives_of(place)
        if not is_ok:
            raise SystemExit(f"the undisturbed run failed:\n{place.said()}")
        kept.write_text(json.dumps({"truth": place.digests(), "life_s": life_s}), encoding="utf-8")
    found = json.loads(kept.read_text(encoding="utf-8"))
    return place, found["truth"], found["life_s"]


def kill_jobs(folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Kill jobs of every stage, and Snakemake itself, until all planned kills are made; then finish."""
    undisturbed, truth, life_s = undisturbed_in(folder)
    place = undisturbed.copied_to(folder / "killed", with_results=False)
    rng = np.random.default_rng(given.seed)
    n, stages = given.kills, sorted(life_s)
    planned = {stage: n // len(stages) + (i < n % len(stages)) for i, stage in enumerate(stages)}
    kills = Kills(planned, dict(life_s))
    for _ in range(SNAKEMAKE_KILLS):
        run_and_kill(place, kills, rng, stop_after_s=float(rng.uniform(*SNAKEMAKE_LIFE_S)))
        place.run("--unlock")
    run_and_kill(place, kills, rng)
    for stage in stages:
        # What the random moments left over: the stage is asked for again on its own.
        for _ in range(ASK_AGAIN):
            if kills.planned[stage] <= 0:
                break
            lacking = list(place.results.glob(OUTPUTS[stage]))
            for path in lacking:
                path.unlink()
            targets = [str(path.relative_to(place.folder)) for path in lacking]
            run_and_kill(place, kills, rng, targets=targets)
    return _compared(place, kills, truth)


def _compared(place: Place, kills: Kills, truth: Mapping[str, str]) -> dict[str, Any]:
    """Let the usual command finish and compare what is there with the undisturbed run."""
    is_done = place.run()[0]
    found = place.digests()
    differing = sorted(name for name in truth.keys() | found.keys() if truth.get(name) != found.get(name))
    return asdict(kills) | {
        "n_files": len(truth),
        "differing": differing,
        "left_over": place.left_over(),
        "is_good": is_done and not differing and not kills.left,
    }


def damage(folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Damage results in turn."""
    undisturbed, truth, _ = undisturbed_in(folder)
    place = undisturbed.copied_to(folder / "damaged", with_results=True)
    return _told(damage_results(place, dict(truth), np.random.default_rng(given.seed)))


def spoil(folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Make raw files unreadable in turn."""
    undisturbed, truth, _ = undisturbed_in(folder)
    place = undisturbed.copied_to(folder / "spoilt", with_results=False)
    place.names = ("plate",)
    place.write()
    return _told(spoil_inputs(place, dict(truth), np.random.default_rng(given.seed)))


def fill(folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Fill the disk under the results, if a small one can be mounted."""
    if os.geteuid() != 0:
        print("the disk was not filled: mounting a small one takes root")
        return _told([])
    undisturbed, _, _ = undisturbed_in(folder)
    place = undisturbed.copied_to(folder / "full", with_results=False)
    place.names = ("plate",)
    place.write()
    is_ok, said = place.run()
    if not is_ok:
        raise SystemExit(f"the run with room enough failed:\n{said}")
    return _told(fill_the_disk(place, place.digests(), ROOMS_KB))


def _told(outcomes: list) -> dict[str, Any]:
    told = [asdict(outcome) for outcome in outcomes]
    return {"outcomes": told, "is_good": all(outcome.is_good for outcome in outcomes)}


PHASES: Mapping[str, Callable[[Path, argparse.Namespace], dict[str, Any]]] = {
    "kills": kill_jobs,
    "damage": damage,
    "inputs": spoil,
    "disk": fill,
}


def main() -> None:
    """Run the phases asked for and write the page; status 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=56)
    parser.add_argument("--seed", type=int, default=17)
    parser.add_argument("--folder", type=Path, default=ROOT / "results" / "soak")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs")
    parser.add_argument("phases", nargs="*", metavar="PHASE", help=f"{', '.join(PHASES)} or undisturbed")
    given = parser.parse_args()
    if not given.phases:
        shutil.rmtree(given.folder, ignore_errors=True)
    given.folder.mkdir(parents=True, exist_ok=True)
    given.folder = given.folder.resolve()
    if given.phases == ["undisturbed"]:
        undisturbed_in(given.folder)
        return
    is_good = True
    for phase in given.phases or PHASES:
        begun = _cpu_s()
        found = PHASES[phase](given.folder, given)
        found |= {"seed": given.seed, "cpu_s": round(_cpu_s() - begun, 1)}
        (given.folder / f"{phase}.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
        print(
            f"{phase}: {'passed' if found['is_good'] else 'NOT PASSED'}, {found['cpu_s']} CPU s", flush=True
        )
        is_good = is_good and found["is_good"]
    known = {phase: given.folder / f"{phase}.json" for phase in PHASES}
    if all(path.exists() for path in known.values()):
        read = {phase: json.loads(path.read_text(encoding="utf-8")) for phase, path in known.items()}
        with written_whole(given.docs / "reliability.md") as partial:
            partial.write_text(build_page(read), encoding="utf-8")
    sys.exit(0 if is_good else 1)


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


if __name__ == "__main__":
    main()
