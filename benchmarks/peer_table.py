"""The peer table: rows that were measured, as JSON and as Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lensfree.io.files import written_whole

BEADS = {
    "correlation": "correlation of phase",
    "correlation_plane_removed": "the same, planes removed",
    "rmse_rad": "RMSE [rad]",
    "integral_ratio": "integrated phase, found / true",
}
CELLS = {
    "flat_rmse_nm": "OPD RMSE, flat cells [nm]",
    "flat_mass_ratio": "dry mass of flat cells, found / true",
    "round_mass_ratio": "dry mass of rounded cells, found / true",
    "correlation": "correlation of OPD",
}
CASES = {
    "beads1": ("Real beads, one distance", BEADS),
    "beads3": ("Real beads, three distances", BEADS),
    "beads6": ("Real beads, six distances", BEADS),
    "rgb": ("Synthetic RGB field of cells", CELLS),
}
HEAD = """# Peers, side by side on the same files

Written by `make benchmark-peers`; do not edit. Geometry known to all, one process per method, background
level (beads: median, cells: most frequent OPD) taken off alike. The **settings of every peer** are the best
of a small grid by the first figure of its table **against the truth**, which favours the peer: without a
truth nobody could choose so. lensfree runs with the settings it ships with and is not tuned here; on beads
it has two settings of [decision 7](decisions/0007-beads-and-their-plane.md), chosen in earlier evaluations
on these beads. Perfect beads would reach a correlation of 0.84 there.

Back-propagation sees one exposure: PyHoloscope refocuses the hologram as recorded, torchoptics a field of
its amplitude. Peers get holograms on a margin that fades to the open beam, the colours' lateral shifts
undone. hotopy has one phase for all holograms, so the colours' contrasts are scaled to that of their mean
wavelength, or one colour is used (exposure 0 has the longest wavelength). Gerchberg-Saxton and plain
autograd are written in `benchmarks/`; autograd has lensfree's objective and number of iterations, no CNN.

Time: one call from holograms in memory to OPD, its set-up included, after one on a quarter of the field.
Memory: the most that was resident during the call above what was before it.

![The true phase of some beads and what four of the methods find](peers.png)
"""


def read_rows(path: Path) -> dict[str, dict[str, Any]]:
    """Return the rows measured so far, by `case/method`; none if there is no file."""
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def write(folder: Path, rows: Mapping[str, Mapping[str, Any]], missing: Iterable[str]) -> None:
    """Write `peers.json` and `peers.md` into a folder.

    Args:
        folder: where to.
        rows: what was measured, by `case/method`.
        missing: packages that are not installed, each of which the page names.
    """
    with written_whole(folder / "peers.json") as partial:
        partial.write_text(json.dumps(rows, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    with written_whole(folder / "peers.md") as partial:
        partial.write_text(markdown(rows, missing), encoding="utf-8")


def markdown(rows: Mapping[str, Mapping[str, Any]], missing: Iterable[str]) -> str:
    """Return the page: a line for each missing package, a table per case."""
    parts = [HEAD]
    parts += [f"{skipped(package)}\n" for package in missing if not _is_known(rows, package)]
    for case, (title, columns) in CASES.items():
        found = [row for row in rows.values() if row["case"] == case]
        if found:
            parts.append(f"## {title}\n\n{found[0]['what']}\n\n{_table(found, columns)}\n")
    return "\n".join(parts)


def skipped(package: str) -> str:
    """Return the line that says that a peer was left out and what brings it in."""
    return f"{package} is not installed and was skipped: pip install -c constraints.txt -e '.[peers]'"


def _is_known(rows: Mapping[str, Mapping[str, Any]], package: str) -> bool:
    return any(row["package"].split()[0] == package for row in rows.values())


def _table(rows: list[Mapping[str, Any]], columns: Mapping[str, str]) -> str:
    names = ["method", *columns.values(), "time [s]", "memory [MB]", "settings", "version", "machine", "date"]
    lines = ["| " + " | ".join(names) + " |", "|---" * len(names) + "|"]
    for row in rows:
        figures = [f"{row['scores'][key]:.3f}" for key in columns]
        settings = ", ".join(f"{name} {_said(value)}" for name, value in row["settings"].items())
        cells = [
            row["method"],
            *figures,
            f"{row['seconds']:.2g}",
            f"{row['peak_mb']:.0f}",
            settings or "as shipped",
            row["package"],
            row["machine"],
            row["date"],
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _said(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " to ".join(_said(part) for part in value)
    if value is None:
        return "free"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
