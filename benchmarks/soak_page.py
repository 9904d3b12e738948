"""The page of the soak: faults that were tried, and what came of each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

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
switched off); failures of network file systems; two runs at once in one folder (Snakemake locks it).
"""
DISK = "\nThe disk was not filled: mounting a small one takes root.\n"


def build_page(found: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the page as Markdown, from what each phase found."""
    kills = found["kills"]
    differing: Sequence[str] = kills["differing"]
    same = (
        f"all {kills['n_files']} tables, stacks, models and exports were those of the undisturbed run."
        if not differing
        else f"**{len(differing)} of {kills['n_files']} files differed**: {', '.join(differing)}."
    )
    n_left = len(kills["left_over"])
    litter = (
        f" {n_left} half files were left under temporary names."
        if n_left
        else (" No half file was left, under any name.")
    )
    not_made = {stage: n for stage, n in kills["planned"].items() if n > 0}
    late = f" Kills that were planned and came too late: {not_made}." if not_made else ""
    head = HEAD.format(
        seed=kills["seed"],
        cpu_s=sum(part["cpu_s"] for part in found.values()),
        n_kills=sum(kills["done"].values()),
        n_stages=len(kills["done"]),
        n_writing=sum(kills["writing"].values()),
        n_snakemake=kills["snakemake"],
        outcome=same + litter + late,
    )
    rows = [
        f"| {stage} | {n} | {kills['writing'].get(stage, 0)} |" for stage, n in sorted(kills["done"].items())
    ]
    outcomes = [one for phase, part in found.items() if phase != "kills" for one in part["outcomes"]]
    faults = [
        f"| `{one['file']}` | {one['fault']} | {_yes(one['is_named'])} | {_yes(one['is_recovered'])} | "
        f"{_plain(one['said'])} |"
        for one in outcomes
    ]
    no_disk = "" if found["disk"]["outcomes"] else DISK
    return head + "\n".join(rows) + "\n" + FAULTS + "\n".join(faults) + "\n" + no_disk + BEYOND


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "**no**"


def _plain(said: str) -> str:
    """Return a message short enough for a table, without anybody's folders."""
    said = re.sub(r"(?<![\w.])/[^\s:;,'\"]*/(results|raw)/", r"\1/", said)
    said = said.replace("|", "\\|").replace("error: ", "", 1)
    return said if len(said) <= 200 else said[:197] + "..."
