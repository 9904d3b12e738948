"""The table of trackers: rows that were measured, as JSON and as Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lensfree.io.files import written_whole

FIGURES = {
    "link_f1": "link F1",
    "division_precision": "division P",
    "division_recall": "division R",
    "division_f1": "division F1",
    "complete_tracks": "complete tracks",
    "md30": "MD30",
}
HEAD = """# Trackers on the same detections

Written by `make benchmark-track`; do not edit. **Synthetic** detections of a full sensor, 3840 x 2748
pixels of 1.67 um, 432 frames of 10 min, with about 1, 3 and 10 thousand cells in the last frame: persistent
random walks of 20 um/h, cycles of 22 h, 2 % deaths; 1 % of the cells missed, 0.5 % false, cells nearer than 5
pixels fused, 0.5 pixels of noise in place and 19 pg in the dry mass of a 250 pg cell (`35pg`: 35 pg). No
tracker sees how the detections were made.

Scores by traccuracy: F1 of links, mother to daughter included; divisions with both daughters right within 3
frames; share of true cells without a wrong link. **MD30** is the share of true mother and daughter histories
of 30 h or more in which everything is right, the division in its frame: what a series of dry mass needs. It
is 0 for a tracker that knows no divisions. Which of two fused cells a detection counts as is decided by
place alone, for every tracker alike: a tracker that gives it to the other one loses both histories. lensfree
gives each of the two a row of its own there.

The **settings of every peer** are the best of a small grid on seed {development_seed}, by MD30 and then by
complete tracks, **against the truth**; on larger sets than 1k of the two that were best there. Figures are
means over the seeds named, which nothing was chosen on. lensfree runs with the settings it ships with.
btrack gets no labels of mitosis, as the detections have none, and finds hardly any divisions without; its
version 0.7.0 does not load on Debian 12, and 0.6.5 needs an older pydantic, so it runs in an environment of
its own. Peers get what they are made for, place and frame; dry mass is seen by lensfree alone, and the
ablations show it without. With 35 pg only the dry mass differs: peers' rows there are those with 19 pg,
once it is checked that every place, frame and true cell is the same.

One process per run, one thread; CPU time after a few frames that load and compile; memory is the most that
was resident during the run above what was before it.

Real cells: [a movie](tracking_livecyte.md); tracks made by hand: keys `track.mcf10a` of
[accuracy](accuracy.md).
"""
SCALE = """
## Long and crowded acquisitions

**Synthetic**: the set 10k, and half a sensor of the set 1k, thinned out every three days, for {most_frames}
frames and for the first {fewer_frames} of them. What the stage `track` costs as a process of its own that
reads the tables of cells and writes those of tracks, interpreter and packages included; beside it trackpy
alone, which links the same positions (range 16 pixels, memory 2, adaptive) and writes who is who. One
thread. Without any cells the stage takes {nothing_mb:.0f} MB; "per detection" is what each takes beyond
that.
"""
SCALE_COLUMNS = (
    *("frames", "detections", "lensfree CPU [s]", "trackpy CPU [s]", "ratio", "lensfree memory [MB]"),
    *("per detection [bytes]", "trackpy memory [MB]", "machine", "date"),
)
ABLATED = """
## What each part of lensfree is worth

The same sets and seeds, with one thing switched off.
"""


def read_rows(path: Path) -> dict[str, dict[str, Any]]:
    """Return the rows measured so far, by `set/method`; none if there is no file."""
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def write(
    folder: Path, rows: Mapping[str, Mapping[str, Any]], missing: Iterable[str], development_seed: int
) -> None:
    """Write `tracking.json` and `tracking.md` into a folder.

    Args:
        folder: where to.
        rows: what was measured, by `set/method`.
        missing: packages that are not installed, each of which the page names.
        development_seed: what the peers' settings were chosen on.
    """
    with written_whole(folder / "tracking.json") as partial:
        partial.write_text(json.dumps(rows, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    with written_whole(folder / "tracking.md") as partial:
        page = markdown(rows, missing, development_seed, read_scale(folder))
        partial.write_text(page, encoding="utf-8")


def write_scale(folder: Path, runs: list[dict[str, Any]]) -> None:
    """Write what long and crowded acquisitions cost as `tracking_scale.json`; `write` puts it on the page."""
    with written_whole(folder / "tracking_scale.json") as partial:
        partial.write_text(json.dumps(runs, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def read_scale(folder: Path) -> list[dict[str, Any]]:
    """Return what `write_scale` wrote; nothing if it did not."""
    path = folder / "tracking_scale.json"
    return list(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else []


def scale_section(runs: list[dict[str, Any]]) -> str:
    """Return the section on long and crowded acquisitions."""
    long = sorted(run["n_frames"] for run in runs)[::-1]
    nothing_mb = runs[0]["without cells"]["peak_mb"]
    head = SCALE.format(most_frames=long[0], fewer_frames=long[1], nothing_mb=nothing_mb)
    lines = [head, "| " + " | ".join(SCALE_COLUMNS) + " |", "|---" * len(SCALE_COLUMNS) + "|"]
    for run in runs:
        ours, theirs = run["lensfree"], run["trackpy"]
        each = (ours["peak_mb"] - nothing_mb) * 1e6 / run["n_detections"]
        figures = [run["n_frames"], run["n_detections"], f"{ours['cpu_s']:.1f}", f"{theirs['cpu_s']:.1f}"]
        figures += [f"{ours['cpu_s'] / theirs['cpu_s']:.2f}", f"{ours['peak_mb']:.0f}", f"{each:.0f}"]
        figures += [f"{theirs['peak_mb']:.0f}", run["machine"], run["date"]]
        lines.append("| " + " | ".join(map(str, figures)) + " |")
    return "\n".join(lines) + "\n"


def markdown(
    rows: Mapping[str, Mapping[str, Any]],
    missing: Iterable[str],
    development_seed: int,
    scale: list[dict[str, Any]] | None = None,
) -> str:
    """Return the page: a line for each missing package, a table per set, what scale costs, the ablations."""
    parts = [HEAD.format(development_seed=development_seed)]
    parts += [f"{skipped(package)}\n" for package in missing if not _is_known(rows, package)]
    sets = dict.fromkeys(row["set"] for row in rows.values())
    for name in sets:
        found = [row for row in rows.values() if row["set"] == name and not row["is_ablation"]]
        if found:
            parts.append(f"## {name}\n\n{_what(found)}\n\n{_table(found)}\n")
    parts += [scale_section(scale)] if scale else []
    ablated = [row for row in rows.values() if row["is_ablation"]]
    if ablated:
        beside = [rows[f"{name}/lensfree"] for name in sets if f"{name}/lensfree" in rows]
        order = list(sets)
        both = sorted([*beside, *ablated], key=lambda row: (order.index(row["set"]), row["is_ablation"]))
        parts += [ABLATED, _table(both, has_set=True), ""]
    return "\n".join(parts)


def skipped(package: str) -> str:
    """Return the line that says that a peer was left out and what brings it in."""
    return f"{package} is not installed and was skipped: `make benchmark-track` installs it"


def _is_known(rows: Mapping[str, Mapping[str, Any]], package: str) -> bool:
    return any(row["package"].split()[0] == package for row in rows.values())


def _what(rows: list[Mapping[str, Any]]) -> str:
    row = next((row for row in rows if row["runs"]), rows[0])
    return f"{row['n_detections']} detections with seed {row['seeds'][0]}."


def _table(rows: list[Mapping[str, Any]], has_set: bool = False) -> str:
    names = ["set"] * has_set + ["tracker", *FIGURES.values(), "CPU [s]", "memory [MB]"]
    names += ["seeds", "settings", "version", "machine", "date"]
    lines = ["| " + " | ".join(names) + " |", "|---" * len(names) + "|"]
    for row in rows:
        runs = row["runs"]
        if runs:
            figures = [_mean(runs, figure, ".3f") for figure in FIGURES]
            figures += [_mean(runs, "cpu_s", ".3g"), _mean(runs, "peak_mb", ".0f")]
        else:
            figures = [row["left_out"], *[""] * (len(FIGURES) + 1)]
        settings = ", ".join(f"{name} {value}" for name, value in row["settings"].items())
        cells = [row["set"]] * has_set + [row["method"], *figures, ", ".join(map(str, row["seeds"]))]
        cells += [settings or "as shipped", row["package"], row["machine"], row["date"]]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _mean(runs: list[Mapping[str, float]], figure: str, form: str) -> str:
    """Return the mean over runs; a division figure that no run has is none."""
    values = [run[figure] for run in runs if run[figure] is not None]
    return f"{np.mean(values):{form}}" if values else "none"
