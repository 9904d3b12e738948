"""Peak memory and CPU time of each stage's job at several sizes, beside what it asks for: docs/resources.md.

Holograms and tables are synthetic. Usage: python benchmarks/job_memory.py [320x384 1374x1920 2748x3840
tables]. A size that is named is measured again; the others stay as they are in docs/resources.json.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import job_memory_page
import numpy as np
import tifffile
import yaml
from frame import SHAPE_YX, frame

from lensfree.config import OpticsConfig

ROOT = Path(__file__).parents[1]
COLUMNS = (
    *("acquisition", "dataset", "kind", "files", "wavelength_nm", "pixel_pitch_um", "z_um"),
    *("frame_interval_min", "until"),
)
SIZES = {(320, 384): (3, "auto"), (1374, 1920): (3, "1000"), SHAPE_YX: (2, "1000")}
"""Pixels of the sensor; how many frames of it, and the distance [um]. To look for the distance takes whole
retrievals of a field of 384 x 384 pixels, however large the frame is."""

TABLES = "tables"
RECORDER = """
import atexit, json, os, sys, time

def _record():
    with open("/proc/self/status", encoding="ascii") as status:
        peak = next(line for line in status if line.startswith("VmHWM"))
    with open(os.environ["LENSFREE_PEAKS"], "a", encoding="utf-8") as file:
        file.write(json.dumps({"argv": sys.argv, "peak_mb": int(peak.split()[1]) / 1000,
                               "cpu_s": time.process_time()}) + "\\n")

atexit.register(_record)
"""
"""Python runs it at the start of every process of the workflow. /proc knows the process's own peak; getrusage
knows that of the process it was forked from as well."""


@dataclass(frozen=True)
class Peak:
    """What one process took.

    Attributes:
        word: the stage, or `snakemake` for Snakemake itself.
        peak_mb: most resident memory [MB].
        cpu_s: processor time of all its threads [s].
    """

    word: str
    peak_mb: float
    cpu_s: float


def write_frames(folder: Path, field: np.ndarray, shape_yx: tuple[int, int], n_frames: int) -> str:
    """Write frames of a size out of a field (channel, y, x) of intensity, and return their pattern."""
    folder.mkdir(parents=True)
    repeats = [-(-side // whole) for side, whole in zip(shape_yx, field.shape[-2:], strict=True)]
    rng = np.random.default_rng(0)
    for index in range(n_frames):
        moved = np.roll(np.tile(field, (1, *repeats)), 2 * index, axis=-1)[:, : shape_yx[0], : shape_yx[1]]
        for channel, plane in zip("RGB", moved, strict=False):
            counts = 140 * plane + rng.normal(0, 1.4, plane.shape)
            image = np.rint(np.clip(counts, 0, 255)).astype(np.uint8)
            tifffile.imwrite(folder / f"frame_{index:03d}_{channel}.tif", image)
    return str(folder / "frame_{frame}_{channel}.tif")


def write_place(folder: Path, rows: Sequence[Sequence[str]], config: Mapping[str, Any]) -> None:
    """Write the sheet and the configuration of a run."""
    lines = ["\t".join(COLUMNS), *("\t".join(row) for row in rows)]
    (folder / "sheet.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    settings = {"acquisitions": "sheet.tsv", **config}
    (folder / "config.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")


def peaks_of(folder: Path, *arguments: str) -> list[Peak]:
    """Run the workflow in a folder, and return what each of its processes took.

    Raises:
        RuntimeError: if the workflow fails, with what it said.
    """
    recorder, noted = folder / "recorder", folder / "peaks.jsonl"
    recorder.mkdir(exist_ok=True)
    (recorder / "sitecustomize.py").write_text(RECORDER, encoding="utf-8")
    noted.unlink(missing_ok=True)
    path = os.pathsep.join([str(recorder), os.environ.get("PYTHONPATH", "")])
    _snakemake(folder, *arguments, PYTHONPATH=path, LENSFREE_PEAKS=str(noted))
    lines = [json.loads(line) for line in noted.read_text(encoding="utf-8").splitlines()]
    return [Peak(_word(line["argv"]), line["peak_mb"], line["cpu_s"]) for line in lines]


def asked_of(folder: Path, *arguments: str) -> dict[str, dict[str, int]]:
    """Return what the first attempt of each rule asks for: `mem_mb` and `runtime` [min]."""
    said = _snakemake(folder, "--dry-run", "--forceall", "--quiet", "host", *arguments)
    asked: dict[str, dict[str, int]] = {}
    for rule, body in re.findall(r"^rule (\w+):\n((?:    .*\n)*)", said, flags=re.MULTILINE):
        found = {key: re.search(rf"\b{key}=(\d+)", body) for key in ("mem_mb", "runtime")}
        asked[rule] = {key: int(match[1]) for key, match in found.items() if match}
    return asked


def _snakemake(folder: Path, *arguments: str, **environment: str) -> str:
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--cores", "1", *arguments]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(done.stdout)
    return done.stdout


def _word(argv: Sequence[str]) -> str:
    script = re.search(r"\.(\w+)\.py$", argv[0] if argv else "")
    return script[1] if script else "snakemake"


def measured(folder: Path, shape_yx: tuple[int, int], n_frames: int, z_um: str) -> dict[str, Any]:
    """Return what the jobs of an acquisition took and asked for, load to report."""
    pattern = write_frames(folder / "raw", frame(OpticsConfig()), shape_yx, n_frames)
    row = ("a", "d", "hologram", pattern, "647,540,450", "1.67", z_um, "10", "report")
    write_place(folder, [row], {"reconstruct": {"device": "cpu"}, "quantify": {"device": "cpu"}})
    asked = asked_of(folder)
    highest: dict[str, Peak] = {}
    for peak in peaks_of(folder):
        if peak.word not in highest or peak.peak_mb > highest[peak.word].peak_mb:
            highest[peak.word] = peak
    return {
        "frames": n_frames,
        "z_um": z_um,
        "jobs": {word: {**asdict(peak), **asked.get(word, {})} for word, peak in highest.items()},
    }


def main() -> None:
    """Measure the sizes that are named, all by default, and write the page."""
    labels = {f"{ny}x{nx}": (ny, nx) for ny, nx in SIZES}
    known = job_memory_page.read(ROOT / "docs")
    for label in sys.argv[1:] or [*labels, TABLES]:
        with tempfile.TemporaryDirectory() as name:
            if label == TABLES:
                import job_memory_tables

                known[label] = job_memory_tables.measured(Path(name))
            else:
                known[label] = measured(Path(name), labels[label], *SIZES[labels[label]])
        job_memory_page.write(ROOT / "docs", known)
        print(label, known[label], flush=True)


if __name__ == "__main__":
    main()
