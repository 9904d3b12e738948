"""What the logs of a run say of it: which jobs run, how far they are, how fast, and what is left."""

from __future__ import annotations

import os
import re
import socket
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

SILENT_S = 300.0
"""A running job tells its log something more often than that, where it counts frames or steps."""

_TAIL_BYTES = 64 * 1024
_HEAD_BYTES = 4 * 1024
_PROCESS = re.compile(r"process (\d+) on (\S+), ")
_PROGRESS = re.compile(r"progress: (\d+) of (\d+) (\w+)(?:, (\S+) \w+/s, (\d+) s left)?$")

State = Literal["running", "finished", "failed", "stopped"]


@dataclass(frozen=True)
class Job:
    """A job as its log tells it.

    Attributes:
        name: path of the log below the folder of logs, without its ending, such as `quantify/culture/0002`.
        state: stopped means that it neither ended nor is there any more: it was killed.
        progress: frames or steps done, such as `31 of 48 frames`; empty before the first were counted.
        rate: such as `0.42 frames/s`, empty likewise.
        left_s: seconds left, None if not known.
        silent_s: since when the log has said nothing.
    """

    name: str
    state: State
    progress: str = ""
    rate: str = ""
    left_s: int | None = None
    silent_s: float = 0.0


def read_jobs(folder: Path, now_s: float | None = None) -> list[Job]:
    """Read every log below a folder; one that is just being written, or is no log of ours, does not disturb.

    Args:
        folder: the folder `logs` of a run.
        now_s: seconds since the epoch, by default those of now.
    """
    now_s = time.time() if now_s is None else now_s
    jobs = []
    for path in sorted(folder.rglob("*.log")):
        try:
            jobs.append(_read_job(path, path.relative_to(folder).with_suffix("").as_posix(), now_s))
        except OSError:  # gone between being listed and being read
            continue
    return jobs


def describe_run(jobs: Sequence[Job]) -> list[str]:
    """Return a line per job that runs, was killed or failed, and a last one that counts all."""
    shown = [job for job in jobs if job.state != "finished"]
    rows = [
        (job.name, job.progress or "-", job.rate or "-", _left(job))
        for job in sorted(shown, key=lambda job: (job.state != "running", job.name))
    ]
    table = [("job", "done", "rate", "left"), *rows] if rows else []
    widths = [max(len(row[k]) for row in table) for k in range(4)] if table else []
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in table]
    counts = Counter(job.state for job in jobs)
    totals = ", ".join(f"{counts[state]} {state}" for state in ("running", "finished", "failed", "stopped"))
    return [*(line.rstrip() for line in lines), f"{len(jobs)} jobs: {totals}"]


def _read_job(path: Path, name: str, now_s: float) -> Job:
    """Return what a log says; a last line without its end is not read."""
    silent_s = max(0.0, now_s - path.stat().st_mtime)
    with open(path, "rb") as log:
        head = log.read(_HEAD_BYTES)
        size = log.seek(0, os.SEEK_END)
        log.seek(max(0, size - _TAIL_BYTES))
        tail = log.read()
    whole = tail.decode("utf-8", errors="replace")
    lines = whole[: whole.rfind("\n") + 1].splitlines()
    state = _state(head.decode("utf-8", errors="replace"), lines)
    found = next((m for line in reversed(lines) if (m := _PROGRESS.search(line))), None)
    if found is None:
        return Job(name, state, silent_s=silent_s)
    done, total, unit, rate, left_s = found.groups()
    # The line may be a minute old: what is left has become less since.
    return Job(
        name=name,
        state=state,
        progress=f"{done} of {total} {unit}",
        rate=f"{rate} {unit}/s" if rate else "",
        left_s=max(0, round(int(left_s) - silent_s)) if left_s else None,
        silent_s=silent_s,
    )


def _state(head: str, lines: Sequence[str]) -> State:
    if any(line.startswith("error: ") or ": failed; it ran " in line for line in lines):
        return "failed"
    if any(": finished in " in line for line in lines[-3:]):
        return "finished"
    process = _PROCESS.search(head)
    if process and process[2] == socket.gethostname() and not _is_alive(int(process[1])):
        return "stopped"
    return "running"


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _left(job: Job) -> str:
    if job.state == "failed":
        return "failed, see its log"
    if job.state == "stopped":
        return "killed before its end"
    words = "-" if job.left_s is None else duration_in_words(job.left_s)
    return f"{words}, silent for {duration_in_words(job.silent_s)}" if job.silent_s > SILENT_S else words


def duration_in_words(seconds: float) -> str:
    """Return a duration such as `40 s`, `12 min` or `3 h 05 min`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"
