"""Disk that a frame takes at each stage, and the processor time of its jobs, from a finished acquisition.

Sizes are those of the files under `results/ACQUISITION`, times those that Snakemake noted in `logs`, both per
frame and scaled by area to a full sensor. Run it on an acquisition of your own before buying disks.
With `sizes` or `times` and what it is an acquisition of, these go into docs/benchmarks.json.

Usage, in the folder of the run: python benchmarks/storage.py RESULTS/ACQUISITION [sizes|times MEANING]
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from measured import entry, write

from lensfree.io.stacks import open_opd

SHAPE_YX = (2748, 3840)
STACKS = {
    "raw": "raw files",
    "holograms": "holograms as recorded, gzip",
    "opd": "OPD and absorption, gzip",
    "cells": "the table of cells",
}
TIMED = ("load", "reconstruct", "quantify")


def measure(acquisition: Path, raw: list[Path], logs: Path) -> tuple[dict[str, float], dict[str, float], int]:
    """Return MB per frame by stack, processor seconds per frame by stage, and the number of frames.

    Args:
        acquisition: its folder of results, with both stacks.
        raw: its raw files.
        logs: the folder of logs; a stage without one is left out.

    Raises:
        FileNotFoundError: if there is no OPD.
    """
    n_frames, pixels = 0, 0
    for path in sorted(acquisition.glob("opd/*.h5")):
        with open_opd(path) as source:
            n_frames += len(source)
            pixels = source.shape_yx[0] * source.shape_yx[1]
    if not n_frames:
        raise FileNotFoundError(
            f"{acquisition}: no OPD in opd/; run the acquisition with keep: [holograms, opd]"
        )
    scale = SHAPE_YX[0] * SHAPE_YX[1] / pixels / n_frames
    files = {"raw": raw} | {name: list(acquisition.glob(f"{name}/*")) for name in STACKS if name != "raw"}
    sizes = {name: sum(path.stat().st_size for path in found) / 1e6 * scale for name, found in files.items()}
    seconds = {}
    for stage in TIMED:
        rows = [row for path in logs.glob(f"{stage}/{acquisition.name}/*.tsv") for row in _rows(path)]
        if rows:
            seconds[stage] = sum(float(row["cpu_time"]) for row in rows) * scale
    return sizes, seconds, n_frames


def _rows(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


if __name__ == "__main__":
    acquisition = Path(sys.argv[1])
    raw = [path for path in (acquisition / "tiff").glob("*")] or list(Path("raw").rglob("*.tif"))
    sizes, seconds, n_frames = measure(acquisition, raw, Path("logs"))
    for name, mb in sizes.items():
        print(f"{STACKS[name]}: {mb:.2f} MB per frame of {SHAPE_YX[0]} x {SHAPE_YX[1]} pixels")
    for stage, cpu_s in seconds.items():
        print(f"{stage}: {cpu_s:.1f} CPU s per frame, starts of jobs included")
    if len(sys.argv) == 4:
        meaning = f"{sys.argv[3]}, scaled to {SHAPE_YX[0]} x {SHAPE_YX[1]}"
        kinds = {
            "sizes": {
                f"storage.{key}_mb_per_frame": (mb, "MB", f"{STACKS[key]}, per frame, {meaning}")
                for key, mb in sizes.items()
            },
            "times": {
                f"speed.cpu_{stage}_job_s": (cpu_s, "s", f"CPU seconds of {stage} per frame, {meaning}")
                for stage, cpu_s in seconds.items()
            },
        }
        found = kinds[sys.argv[2]]
        write(
            {
                key: entry(value, unit, "lower", said, n_frames, __file__)
                for key, (value, unit, said) in found.items()
            }
        )
