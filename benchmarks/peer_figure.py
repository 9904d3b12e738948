"""The picture of the peer table: the same beads as each kind of method finds them, into docs/peers.png.

Settings are those of docs/peers.json, so it runs after peers.py. Usage: python benchmarks/peer_figure.py
"""

from __future__ import annotations

import sys
from math import pi
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import peer_table
from measured import DOCS
from peer_cases import Case, bead_cases
from peer_methods import METHODS
from peers import BEADS, set_threads

from lensfree.config import Config
from lensfree.io.files import written_whole
from lensfree.stages.evaluate_beads import WAVELENGTH_NM

CROP = (slice(60, 180), slice(70, 230))
SHOWN = (
    ("beads1", "back-propagation, PyHoloscope", "back-propagation, 11 mm"),
    ("beads3", "Gerchberg-Saxton, OPD >= 0", "Gerchberg-Saxton, OPD >= 0"),
    ("beads3", "hotopy", "{name}"),
    ("beads3", "lensfree", "lensfree"),
)
"""Case, beginning of the method's name, title; of several methods the best is shown."""

RANGE_RAD = (-0.3, 2.0)


def best(rows: dict[str, dict[str, Any]], case: str, beginning: str) -> dict[str, Any] | None:
    """Return the row of the best correlation among methods whose name begins so; None if there is none."""
    found = [row for row in rows.values() if row["case"] == case and row["method"].startswith(beginning)]
    return max(found, key=lambda row: row["scores"]["correlation"], default=None)


def panels(rows: dict[str, dict[str, Any]], cases: dict[str, Case]) -> list[tuple[str, np.ndarray]]:
    """Return title and phase [rad] of the truth and of every kind of method that was measured."""
    true_rad = cases["beads3"].true_nm * (2 * pi / WAVELENGTH_NM)
    shown = [("measured by another instrument", true_rad - np.median(true_rad))]
    for key, beginning, title in SHOWN:
        row = best(rows, key, beginning)
        if row is not None and METHODS[row["method"]].is_installed:
            opd_nm = METHODS[row["method"]].run(cases[key], **row["settings"])
            phase_rad = (opd_nm - np.median(opd_nm)) * (2 * pi / WAVELENGTH_NM)
            said = f"{title.format(name=row['method'])}\ncorrelation {row['scores']['correlation']:.2f}"
            shown.append((said, phase_rad))
    return shown


def draw(shown: list[tuple[str, np.ndarray]], path: Path) -> None:
    """Write the panels side by side as PNG."""
    figure, axes = plt.subplots(1, len(shown), figsize=(2.7 * len(shown), 2.6), layout="constrained")
    for axis, (title, phase_rad) in zip(np.atleast_1d(axes), shown, strict=True):
        image = axis.imshow(phase_rad[CROP], cmap="magma", vmin=RANGE_RAD[0], vmax=RANGE_RAD[1])
        axis.set_title(title, fontsize=9)
        axis.set_axis_off()
    figure.colorbar(image, ax=axes, label="phase [rad]", shrink=0.8)
    with written_whole(path) as partial:
        figure.savefig(partial, format="png", dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    rows = peer_table.read_rows(DOCS / "peers.json")
    if not rows:
        sys.exit(f"got no rows in {DOCS / 'peers.json'}, expected some: run benchmarks/peers.py first")
    set_threads()
    draw(panels(rows, {case.key: case for case in bead_cases(Config(), BEADS)}), DOCS / "peers.png")
