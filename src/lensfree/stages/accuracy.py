"""Merge what the areas measured into docs/accuracy.json and accuracy.md, pages and figures beside them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from lensfree.io.files import written_whole
from lensfree.stages.measures import Measure, read_json, read_measures, write_json

HEAD = """# Accuracy

Measured by the commands in the last column on simulated acquisitions with known truth (synthetic
data, seeds that no training uses) and, where the key says beads, on real holograms. Written by
`make evaluate`; do not edit. How the standard error of dry mass is calibrated: [figure](calibration.png).
Quantification beside the published table, on degraded maps and on real cells: [page](quantification.md).
Where tracking loses cells of a real movie: [page](tracking_livecyte.md); beside other trackers:
[page](tracking.md). Detectors of abnormal histories beside each other: [page](scoring.md);
what the shipped one says of the movie: [page](scoring_livecyte.md).

| key | value | target | met | n | what is compared | command |
|---|---|---|---|---|---|---|
"""


def run(*, measured: Sequence[Path], docs: Path, beside: Sequence[Path] = ()) -> None:
    """Replace the keys that were measured, keep the others, write both files; copy pages and figures."""
    path = docs / "accuracy.json"
    entries = read_json(path, sealed=False) if path.exists() else {}
    for area in measured:
        entries.update(read_json(area))
    write_json(path, entries, sealed=False)
    known = read_measures(path, sealed=False)
    rows = [_row(key, measure, command) for key, (measure, command) in sorted(known.items())]
    with written_whole(docs / "accuracy.md") as partial:
        partial.write_text(HEAD + "\n".join(rows) + "\n", encoding="utf-8")
    for path in beside:
        with written_whole(docs / path.name) as partial:
            shutil.copyfile(path, partial)


def _row(key: str, measure: Measure, command: str) -> str:
    unit = "" if measure.unit == "1" else f" {measure.unit}"
    met = {None: "", True: "yes", False: "**no**"}[measure.is_met]
    cells = (f"`{key}`", f"{measure.value:.4g}{unit}", _target(measure), met, str(measure.n), measure.meaning)
    return f"| {' | '.join(cells)} | `{command}` |"


def _target(measure: Measure) -> str:
    if measure.target is None:
        return ""
    if isinstance(measure.target, tuple | list):
        return f"{measure.target[0]:g} to {measure.target[1]:g}"
    return f"{'<=' if measure.better == 'lower' else '>='} {measure.target:g}"
