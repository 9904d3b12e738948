"""Jobs killed at random moments: found through /proc, sent SIGKILL, which nothing can catch."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from soak_place import Place

_LOOK_EVERY_S = 0.01
_WRITING_S = 0.03
_SOONER = 0.7
"""How much sooner a stage is killed after one of its jobs ended before its time had come."""


@dataclass
class Kills:
    """What was killed.

    Attributes:
        planned: by stage, how many kills are left to make.
        done: by stage, how many jobs were killed.
        writing: by stage, how many of them had a file half written.
        life_s: by stage, how long its longest undisturbed job lived, wall time; less after a job that ended
            before it was killed.
        snakemake: how often Snakemake was killed with all its jobs.
    """

    planned: dict[str, int]
    life_s: dict[str, float]
    done: dict[str, int] = field(default_factory=dict)
    writing: dict[str, int] = field(default_factory=dict)
    snakemake: int = 0

    @property
    def left(self) -> int:
        """Kills that are still to be made."""
        return sum(self.planned.values())


def jobs_below(pid: int) -> Iterator[tuple[int, str]]:
    """Yield the jobs of a running Snakemake as (process, stage)."""
    for child in _children(pid):
        try:
            arguments = Path(f"/proc/{child}/cmdline").read_bytes().decode().split("\0")
            state = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0]
        except (OSError, IndexError):
            continue
        is_script = len(arguments) > 1 and "python" in arguments[0] and "/scripts/tmp" in arguments[1]
        if is_script and state != "Z":
            yield child, Path(arguments[1]).name.split(".")[-2]


def _children(pid: int) -> list[int]:
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        direct = [int(p) for t in threads for p in (t / "children").read_text().split()]
    except OSError:
        return []
    return direct + [below for child in direct for below in _children(child)]


def lives_of(place: Place, *arguments: str) -> tuple[bool, dict[str, float]]:
    """Run the usual command undisturbed; return whether it succeeded and how long each stage's jobs live."""
    running = place.start(*arguments)
    first: dict[int, float] = {}
    life_s: dict[str, float] = {}
    while running.poll() is None:
        now = time.monotonic()
        for pid, stage in jobs_below(running.pid):
            life_s[stage] = max(life_s.get(stage, 0.0), now - first.setdefault(pid, now))
        time.sleep(_LOOK_EVERY_S)
    return running.returncode == 0, life_s


def run_and_kill(
    place: Place,
    kills: Kills,
    rng: np.random.Generator,
    *,
    stop_after_s: float | None = None,
    targets: Sequence[str] = (),
) -> bool:
    """Run the usual command and kill jobs as planned; with `stop_after_s` kill all of it after that time.

    Half of the kills fall at a random moment of the life of a job, half just after it began to write. Without
    targets everything is asked for.

    Returns:
        Whether the command ended well.
    """
    running = place.start("--retries", "15", "--keep-going", "--rerun-incomplete", *targets)
    begun = time.monotonic()
    due: dict[int, tuple[str, float | None]] = {}
    killed: set[int] = set()
    while running.poll() is None:
        now = time.monotonic()
        if stop_after_s is not None and now - begun > stop_after_s:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()
            kills.snakemake += 1
            return False
        for pid, stage in jobs_below(running.pid):
            if pid in killed or kills.planned.get(stage, 0) <= 0:
                continue
            if pid not in due:
                waits = rng.random() < 0.5
                due[pid] = (stage, None if waits else now + rng.random() * kills.life_s.get(stage, 1.0))
            at = due[pid][1]
            is_writing = bool(_half_files(place, pid))
            if at is None and is_writing:
                due[pid] = (stage, now + rng.random() * _WRITING_S)
            elif at is not None and now >= at:
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)
                kills.planned[stage] -= 1
                kills.done[stage] = kills.done.get(stage, 0) + 1
                kills.writing[stage] = kills.writing.get(stage, 0) + is_writing
                print(f"killed {stage}{' while writing' * is_writing}, {kills.left} to go", flush=True)
        time.sleep(_LOOK_EVERY_S)
    for stage in {stage for pid, (stage, _) in due.items() if pid not in killed}:
        kills.life_s[stage] = _SOONER * kills.life_s.get(stage, 1.0)
    return running.returncode == 0


def _half_files(place: Place, pid: int) -> list[Path]:
    return [p for p in place.results.rglob(f".*.{pid}.partial")] if place.results.exists() else []
