"""Found against true dry mass, and what is left of the agreement when the OPD map gets worse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from lensfree.report import style

COLUMNS = 3
_PANEL_IN = (3.5, 3.2)
_LEGEND_ROOM = 0.7
_BAND_COLOURS = (style.ORANGE, style.MUTED)


@dataclass(frozen=True)
class Scatter:
    """Dry mass of paired cells.

    Attributes:
        title: what is shown.
        note: what the line through the points is like.
        target_pg: what the cells should have.
        found_pg: what was found, of the same cells.
        target: label of the axis across.
    """

    title: str
    note: str
    target_pg: np.ndarray
    found_pg: np.ndarray
    target: str


@dataclass(frozen=True)
class Robustness:
    """R2 of dry mass over levels of degradation.

    Attributes:
        levels: their names.
        r2: by method, one value per level.
        bands: published mean and sd over the levels, by name.
    """

    levels: Sequence[str]
    r2: Mapping[str, Sequence[float]]
    bands: Mapping[str, tuple[float, float]]


def draw_quantification(scatters: Sequence[Scatter], robustness: Robustness) -> Figure:
    """Draw one panel per scatter, and the levels in the last one."""
    n_panels = len(scatters) + 1
    rows = ceil(n_panels / COLUMNS)
    with style.look():
        figure = style.new_figure(COLUMNS * _PANEL_IN[0], rows * _PANEL_IN[1])
        panels = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
        for axes, scatter in zip(panels, scatters, strict=False):
            _draw_scatter(axes, scatter)
        _draw_levels(panels[len(scatters)], robustness)
        for axes in panels[n_panels:]:
            axes.set_visible(False)
    return figure


def _draw_scatter(axes: Any, scatter: Scatter) -> None:
    top_pg = 1.05 * max(float(scatter.target_pg.max()), float(scatter.found_pg.max()))
    axes.plot(scatter.target_pg, scatter.found_pg, "o", ms=2.5, mew=0, alpha=0.5, color=style.BLUE)
    axes.plot([0, top_pg], [0, top_pg], color=style.INK, lw=1, ls="--")
    axes.set(xlim=(0, top_pg), ylim=(0, top_pg), title=scatter.title)
    axes.set(xlabel=f"{scatter.target} [pg]", ylabel="found dry mass [pg]")
    axes.text(0.04, 0.96, scatter.note, transform=axes.transAxes, va="top", size=8)


def _draw_levels(axes: Any, robustness: Robustness) -> None:
    at = np.arange(len(robustness.levels))
    for (name, (mean, sd)), colour in zip(robustness.bands.items(), _BAND_COLOURS, strict=False):
        axes.axhspan(mean - sd, mean + sd, color=colour, alpha=0.2, lw=0, label=f"{name}, mean ± sd")
    for (name, r2), colour in zip(robustness.r2.items(), (style.BLUE, style.GREEN), strict=False):
        axes.plot(at, r2, "o-", ms=4, color=colour, label=name)
    axes.set_xticks(at, robustness.levels, rotation=40, ha="right")
    lowest = min([1.0, *(value for r2 in robustness.r2.values() for value in r2)])
    lowest = min([lowest, *(mean - sd for mean, sd in robustness.bands.values())])
    axes.set(ylabel="R² of dry mass", xlabel="noise sd / background [nm]", title="degraded maps, synthetic")
    axes.set_ylim(lowest - _LEGEND_ROOM * (1 - lowest), 1.02)
    axes.legend(loc="lower left")
