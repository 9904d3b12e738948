"""What was measured, on what machine and when: docs/benchmarks.json, and the table written from it."""

from __future__ import annotations

import json
import os
import platform
import time
from datetime import date
from functools import cache
from pathlib import Path

import torch

from lensfree.arrays import cpu_count

DOCS = Path(__file__).parents[1] / "docs"
CPU_INFO = Path("/proc/cpuinfo")
HEAD = """# Benchmarks

Ratios against a named alternative, measured in one run. Written by the scripts in `benchmarks/`. Seconds of
different machines are not comparable: GFLOP/s are those of one core in a float32 matrix product, just then.

| key | value | better | what was compared | machine | date | command |
|---|---|---|---|---|---|---|
"""
YARDSTICK = 1024
"""Rows of the square matrices of the yardstick: 4 MB each, beyond the second cache."""
YARDSTICK_TURNS = 7


def processor() -> str:
    """Return the name of the processor, or its architecture where the system tells no name (not Linux)."""
    lines = CPU_INFO.read_text(encoding="utf-8").splitlines() if CPU_INFO.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names and names[0] else platform.machine()


@cache
def core_gflops() -> float:
    """Return 10^9 float32 operations per second of one core in a matrix product, the best of some turns."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        matrix = torch.ones(YARDSTICK, YARDSTICK)
        seconds = []
        for _ in range(YARDSTICK_TURNS):
            start = time.perf_counter()
            matrix @ matrix
            seconds.append(time.perf_counter() - start)
    finally:
        torch.set_num_threads(threads)
    return 2e-9 * YARDSTICK**3 / min(seconds)


def this_machine() -> str:
    """Return processor, threads of this process, speed of a core, and the load where others shared them."""
    said = f"{processor()}, {cpu_count()} threads, {core_gflops():.0f} GFLOP/s a core"
    cores, load = os.cpu_count() or 1, os.getloadavg()[0]
    return said if load <= cores + 1 else f"{said}, beside other jobs (load {load:.1f} on {cores} cores)"


def entry(value: float, unit: str, better: str, meaning: str, n: int, script: str) -> dict[str, object]:
    """Return one line of the table: what was measured, on what, when and by which script."""
    return {
        "value": value,
        "unit": unit,
        "better": better,
        "meaning": meaning,
        "n": n,
        "machine": this_machine(),
        "date": date.today().isoformat(),
        "command": f"python benchmarks/{Path(script).name}",
    }


def write(entries: dict[str, dict[str, object]]) -> None:
    """Merge the entries into docs/benchmarks.json and write docs/benchmarks.md from it."""
    path = DOCS / "benchmarks.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    known.update(entries)
    path.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    columns = ("better", "meaning", "machine", "date", "command")
    rows = [
        f"| `{key}` | {shown(row['value'])} {row['unit'] if row['unit'] != '1' else ''} | "
        + " | ".join(str(row[c]) for c in columns)
        + " |"
        for key, row in sorted(known.items())
    ]
    (DOCS / "benchmarks.md").write_text(HEAD + "\n".join(rows) + "\n", encoding="utf-8")


def shown(value: float) -> str:
    """Return a value with two decimals, and shares with four: 0.8774 is not 0.88."""
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.4f}"
