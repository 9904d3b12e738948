"""The page of the soak: faults that were tried, and what came of each."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence

from soak_faults import Outcome
from soak_kills import Kills

HEAD = """# Reliability: faults tried on purpose

Written by `make soak`; do not edit. The whole workflow on three tiny **synthetic** acquisitions (recorded
holograms, maps of another microscope, a simulated culture). A fault is passed when the same command then
finishes with the files of an undisturbed run, **byte for byte**, or the run stops with a message that names
the file and finishes after what the message asks for. Seed {seed}; {cpu_s:.0f} CPU s in all.

## Killed jobs

SIGKILL, which nothing can catch, at random moments: half of them anywhere in the life of a job, half just
after it began to write. {n_kills} jobs were killed in {n_stages} stages, {n_writing} of them with a file half
written; Snakemake itself was killed with all its jobs {n_snakemake} times and unlocked. Afterwards {outcome}

| stage | jobs killed | of them while writing |
|---|---|---|
"""
FAULTS = """
## Damaged, missing and unreadable files, full disk

A result is damaged with its time kept, and what reads it is computed again. That no flipped byte of any
format goes unseen, every byte in turn, is tested in `tests/test_seals.py`; a GPU that fails half-way in
`tests/stages/test_lost_gpu.py` (with a stand-in: no GPU was taken away); files made to harm in
`tests/untrusted`.

| file | fault | stops and names it | recovers to the same bytes | what it says |
|---|---|---|---|---|
"""
BEYOND = """
What this does not show: a raw image whose pixels change before it is first read looks like another image,
unless a `SHA256SUMS` lies beside it; power cuts (files are synced before they are named, no machine was
switched off); failures of network file systems; two runs at once in one folder (Snakemake's lock).
"""


def build_page(
    kills: Kills,
    outcomes: Sequence[Outcome],
    n_files: int,
    differing: Sequence[str],
    left_over: Sequence[str],
    given: argparse.Namespace,
    cpu_s: float,
) -> str:
    """Return the page as Markdown."""
    same = (
        f"all {n_files} tables, stacks, models and exports were those of the undisturbed run."
        if not differing
        else f"**{len(differing)} of {n_files} files differed**: {', '.join(differing)}."
    )
    litter = (
        f" {len(left_over)} half files were left under temporary names."
        if left_over
        else (" No half file was left, under any name.")
    )
    head = HEAD.format(
        seed=given.seed,
        cpu_s=cpu_s,
        n_kills=sum(kills.done.values()),
        n_stages=len(kills.done),
        n_writing=sum(kills.writing.values()),
        n_snakemake=kills.snakemake,
        outcome=same + litter,
    )
    rows = [f"| {stage} | {n} | {kills.writing.get(stage, 0)} |" for stage, n in sorted(kills.done.items())]
    faults = [
        f"| `{o.file}` | {o.fault} | {_yes(o.is_named)} | {_yes(o.is_recovered)} | {_plain(o.said)} |"
        for o in outcomes
    ]
    return head + "\n".join(rows) + "\n" + FAULTS + "\n".join(faults) + "\n" + BEYOND


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "**no**"


def _plain(said: str) -> str:
    """Return a message short enough for a table, without anybody's folders."""
    said = re.sub(r"(?<![\w.])/[^\s:;,'\"]*/(results|raw)/", r"\1/", said)
    said = said.replace("|", "\\|").replace("error: ", "", 1)
    return said if len(said) <= 160 else said[:157] + "..."
