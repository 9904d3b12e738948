"""What a run would do and why, on one screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MAX_ROWS = 30
WIDTH = 110
UNKNOWN = "the reason is not known"
_COUNTED = ("load", "ingest", "reconstruct", "quantify")
_HEADINGS = ("stage", "jobs", "frames", "of", "why")
_FEW = 3


@dataclass(frozen=True)
class PlannedJob:
    """A job that would run.

    Attributes:
        stage: the word of its rule.
        of: the acquisition, data set or file that it is for; empty if for none.
        frames: how many frames it works on; 0 for a stage that takes an acquisition whole.
        why: the reason, in words.
    """

    stage: str
    of: str
    frames: int
    why: str


def describe(jobs: Sequence[PlannedJob], n_acquisitions: int) -> str:
    """Return the plan as text of at most a screen.

    Args:
        jobs: what would run, stages in the order of the pipeline.
        n_acquisitions: how many acquisitions were asked for.
    """
    asked = f"{n_acquisitions} acquisition{'s' * (n_acquisitions != 1)}"
    if not jobs:
        return f"Nothing to do: {asked} asked for, every result is up to date."
    rows = _rows(jobs, by_reason=True)
    if len(rows) > MAX_ROWS:
        rows = _rows(jobs, by_reason=False)
    worked = {word: sum(j.frames for j in jobs if j.stage == word) for word in _COUNTED}
    work = ", ".join(f"{word} {n:,}" for word, n in worked.items() if n)
    said = f"{len(jobs):,} job{'s' * (len(jobs) != 1)} would run; {asked} asked for."
    lines = [said, *([f"Frames: {work}."] if work else []), "", *_table(rows)]
    return "\n".join(lines)


def _rows(jobs: Sequence[PlannedJob], *, by_reason: bool) -> list[tuple[str, ...]]:
    groups: dict[tuple[str, str], list[PlannedJob]] = {}
    for job in jobs:
        groups.setdefault((job.stage, job.why if by_reason else ""), []).append(job)
    rows: list[tuple[str, ...]] = []
    for (stage, why), members in groups.items():
        reasons = list(dict.fromkeys(job.why for job in members))
        said = why or _some(reasons, "; ", " reasons")
        frames = sum(job.frames for job in members)
        of = _some(list(dict.fromkeys(job.of for job in members if job.of)), ", ", "")
        rows.append((stage, f"{len(members):,}", f"{frames:,}" if frames else "", of, said))
    return rows


def _some(words: list[str], separator: str, what: str) -> str:
    if len(words) <= _FEW:
        return separator.join(words)
    return f"{len(words)}{what}: {words[0]} ... {words[-1]}"


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    sizes = [max(len(row[i]) for row in (_HEADINGS, *rows)) for i in range(4)]
    lines = []
    for row in (_HEADINGS, *rows):
        stage, jobs, frames, of, why = row
        head = f"{stage:<{sizes[0]}}  {jobs:>{sizes[1]}}  {frames:>{sizes[2]}}  {of:<{sizes[3]}}  "
        room = max(WIDTH - len(head), 40)
        lines.append(head + (why if len(why) <= room else why[: room - 3] + "..."))
    return [line.rstrip() for line in lines]
