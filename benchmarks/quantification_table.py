"""The table of ways to quantify, as JSON and as Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lensfree.io.files import written_whole

NAME = "quantification_methods"
FIGURES = {
    "precision": "precision",
    "recall": "recall",
    "dry_mass_pg_r2": "dry mass R2",
    "dry_mass_pg_slope": "slope",
    "area_um2_r2": "area R2",
    "max_opd_nm_r2": "max OPD R2",
    "length_um_r2": "length R2",
}
HEAD = """# Quantification, side by side on the same maps

Written by `make benchmark-quantify`; do not edit. Every method sees the same OPD maps: synthetic fields of
held-out seeds behind full optics, noise, 8 bits and the shipped reconstruction, against their simulated
truth. Pairs are at most 10 um apart; cells nearer to the border than 20 um do not count. R2 is that of the
line of found on true over all pairs, slope is that of dry mass.

Segmenters give outlines. They see OPD above the reference pipeline's local background, their outlines are
measured by its `measure_regions`, and its least area and dry mass hold for them too, so that segmentation
alone differs. **Their settings are the best of a small grid on fields of the development seed
{development}, against the truth**, by F1 of detection times the mean R2 of the four measures, averaged over
both densities; nobody could choose so without a truth. The development seed is none of the seeds below.
Everything of lensfree runs with the settings it ships with.

scikit-image: Otsu's threshold, or the lower of his two for three classes; watershed on the distance to the
background, seeded at its maxima, as in its gallery; the distance may be smoothed first, which the gallery
does not do. SimpleITK: the same thresholds; morphological watershed without seeds, which joins basins
shallower than a level, on the distance (level in um) as in its notebooks, or on OPD (level in nm).

Networks beside the shipped one were trained by `benchmarks/quantification_training.py` on the crops of the
shipped network's recipe, with equal numbers of optimiser steps; a tenth more settles their batch norms.
Minutes of training are theirs on the machine that trained them, without making the crops. The published
architecture has 20 layers of 32 features at full resolution; the single-task networks have the shipped
architecture with one map each. CNN-A saw noise of at most 2 nm and no slow background, CNN-B noise of at
most 20 nm and a background of at most 30 nm; `?` stands where a network's card does not say.

Time: from a map in memory to the list of cells, the median over the fields of one run, in which the methods
take turns on each field; the four single-task networks' is that of all four.
"""


def write(folder: Path, rows: Mapping[str, Mapping[str, Any]], said: Iterable[str], development: int) -> None:
    """Write the table as JSON and as a page into a folder.

    Args:
        folder: where to.
        rows: what was measured, by `density/method`.
        said: sentences on what is missing or unlike, each of which the page has.
        development: the seed that settings were chosen on.
    """
    with written_whole(folder / f"{NAME}.json") as partial:
        partial.write_text(json.dumps(rows, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    with written_whole(folder / f"{NAME}.md") as partial:
        partial.write_text(markdown(rows, said, development), encoding="utf-8")


def markdown(rows: Mapping[str, Mapping[str, Any]], said: Iterable[str], development: int) -> str:
    """Return the page: a line for each thing said, a table per density."""
    parts = [HEAD.format(development=development)]
    parts += [f"{line}.\n" for line in said]
    for density in dict.fromkeys(row["cells_per_mm2"] for row in rows.values()):
        found = [row for row in rows.values() if row["cells_per_mm2"] == density]
        parts.append(f"## {density:g} cells/mm2\n\n{found[0]['what']}\n\n{_table(found)}\n")
    return "\n".join(parts)


def _table(rows: list[Mapping[str, Any]]) -> str:
    names = [
        "method",
        *FIGURES.values(),
        *("time [s/field]", "time [s/mm2]", "training steps", "training [min]"),
        *("settings", "version", "machine", "date"),
    ]
    lines = ["| " + " | ".join(names) + " |", "|---" * len(names) + "|"]
    for row in rows:
        cells = [
            row["method"],
            *(f"{row['scores'][key]:.3f}" for key in FIGURES),
            f"{row['seconds_per_field']:.2g}",
            f"{row['seconds_per_mm2']:.2g}",
            row["training"]["steps"],
            row["training"]["minutes"],
            _settings(row),
            *(row[key] for key in ("package", "machine", "date")),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _settings(row: Mapping[str, Any]) -> str:
    if not row["settings"]:
        return "as it is"
    words = ", ".join(f"{name} {value}" for name, value in row["settings"].items())
    return f"{words} (best of {row['candidates']})"
