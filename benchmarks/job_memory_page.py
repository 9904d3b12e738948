"""The page docs/resources.md, written from docs/resources.json."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from measured import processor

from lensfree.resources import (
    CELLS_PER_MM2,
    CUDA_MB,
    LEAST_MB,
    LEAST_MIN,
    ROOM,
    SNAKEMAKE_MB,
    TIME_ROOM,
)

ORDER = (
    *("simulate", "background", "load", "ingest", "check", "focus", "reconstruct", "quantify", "track"),
    *("series", "train_score", "score", "flags", "csv", "trackmate", "export", "report"),
)
HEADER = """# What jobs ask for, and what they take

Every rule asks for memory and time. `src/lensfree/resources.py` says how much, from the pixels of a frame,
its channels, the frames of a chunk, the device and the attempt. The tables are written by
`python benchmarks/job_memory.py`; holograms and cells are **synthetic**.

"takes" is the highest resident memory of the script's process. In a cluster's job Snakemake itself comes
on top, twice ({snakemake:.0f} MB is the most that it took here), so "job" is the script and twice that.
"asks" is `mem_mb` and `runtime` of the first attempt; the second asks for twice, the third for three times
as much.

Asked for is {room:g} times what is expected, {snakemake_mb:g} MB for Snakemake among it, and {least_mb} MB
at least. In time it is {time_room:g} times the expected CPU seconds divided by the threads, {least_min} min
at least. Tables are expected to have {density:g} cells per mm2 and frame. A job that may meet a GPU asks for
{cuda_mb:g} MB more: that is a guess, no GPU has been measured. Trainings and evaluations ask for fixed
amounts. What `simulate` and `ingest` ask for has not been measured yet.
"""
COLUMNS = "| stage | CPU [s] | takes [MB] | job [MB] | asks [MB] | asks / job | asks [min] |"


def read(docs: Path) -> dict[str, Any]:
    """Return what was measured before."""
    path = docs / "resources.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def write(docs: Path, found: Mapping[str, Any]) -> None:
    """Write what was measured, and the page of it; a size that is new gets machine and date."""
    stamp = {
        "machine": f"{processor()}, {os.environ.get('OMP_NUM_THREADS', os.cpu_count())} thread(s)",
        "date": datetime.now(UTC).date().isoformat(),
    }
    stamped = {label: {**stamp, **part} for label, part in found.items()}
    (docs / "resources.json").write_text(json.dumps(stamped, indent=1) + "\n", encoding="utf-8")
    (docs / "resources.md").write_text(page(stamped), encoding="utf-8")


def snakemake_mb(found: Mapping[str, Any]) -> float:
    """Return the most that Snakemake itself took in any run [MB]."""
    peaks = [part["jobs"]["snakemake"]["peak_mb"] for part in found.values() if "snakemake" in part["jobs"]]
    return max(peaks, default=SNAKEMAKE_MB / 2)


def page(found: Mapping[str, Any]) -> str:
    """Return the page."""
    own_mb = snakemake_mb(found)
    head = HEADER.format(
        snakemake=own_mb,
        room=ROOM,
        snakemake_mb=SNAKEMAKE_MB,
        least_mb=LEAST_MB,
        time_room=TIME_ROOM,
        least_min=LEAST_MIN,
        density=CELLS_PER_MM2,
        cuda_mb=CUDA_MB,
    )
    parts = [head]
    for label, part in found.items():
        parts += ["", *_table(label, part, own_mb)]
    return "\n".join(parts) + "\n"


def _table(label: str, part: Mapping[str, Any], own_mb: float) -> Iterable[str]:
    size = f"{part['frames']} frames"
    if "detections" in part:
        title = "Long tables"
        size += f", {part['detections']} detections; asked for {part['expected_detections']}"
    else:
        title = f"{label.replace('x', ' x ')} pixels"
        size += ", RGB, the distance " + ("looked for" if part.get("z_um") == "auto" else "given")
    yield f"## {title}"
    yield ""
    yield f"{size}. {part['machine']}, {part['date']}."
    yield ""
    yield COLUMNS
    yield "|---" * COLUMNS.count(" | ") + "|---|"
    for word in sorted(part["jobs"], key=lambda word: ORDER.index(word) if word in ORDER else -1):
        job = part["jobs"][word]
        if "mem_mb" not in job:
            continue
        whole_mb = job["peak_mb"] + 2 * own_mb
        figures = (
            f"{job['cpu_s']:.1f}",
            f"{job['peak_mb']:.0f}",
            f"{whole_mb:.0f}",
            f"{job['mem_mb']}",
            f"{job['mem_mb'] / whole_mb:.2f}",
            f"{job['runtime']}",
        )
        yield f"| {word} | " + " | ".join(figures) + " |"
