"""Lineages as trees: time to the right, a branch per cell, as wide as the cell is heavy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from lensfree.report import style
from lensfree.report.trees import ERROR, FLAGGED, NORMAL

WIDTH_IN = 10.5
LEAF_IN = 0.17
TREE_GAP_IN = 0.16
FULL_WIDTH = 0.86
"""Width of a branch as heavy as all but 2 % of the points; leaves are 1 apart."""

LOOKS: Mapping[str, dict[str, Any]] = {
    NORMAL: {"facecolor": style.SKY, "edgecolor": "none"},
    FLAGGED: {"facecolor": style.RED, "edgecolor": style.INK, "lw": 0.6},
    ERROR: {"facecolor": style.ORANGE, "edgecolor": style.INK, "lw": 0.6, "hatch": "//////"},
}
ENDS = {"death": ("X", "died"), "lost": ("o", "lost from sight"), "leaves_field": (">", "left the field")}


def draw_trees(table: pd.DataFrame, ends: Mapping[int, str] | None = None) -> Figure:
    """Draw lineages below each other on one time axis.

    Args:
        table: `contracts_report.TREES`, lineages in the order of drawing.
        ends: cell -> how it ended, one of `ENDS`; others get no mark.
    """
    ends = ends or {}
    lineages = list(dict.fromkeys(table["lineage_id"].tolist()))
    by_lineage = {lineage: table[table["lineage_id"] == lineage] for lineage in lineages}
    heights = [LEAF_IN * (float(own["slot"].max()) + 1) + TREE_GAP_IN for own in by_lineage.values()]
    widest_pg = max(1.0, float(table["dry_mass_pg"].quantile(0.98)))
    with style.look():
        figure = style.new_figure(WIDTH_IN, sum(heights) + 1.0)
        grid = figure.subplots(
            len(lineages), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": heights}
        )[:, 0]
        marks: set[str] = set()
        for axes, (lineage, own) in zip(grid, by_lineage.items(), strict=True):
            marks |= _draw_tree(axes, own, ends, widest_pg)
            n_cells = own["cell_id"].nunique()
            words = f"lineage {lineage}\n{n_cells} cell{'s' if n_cells > 1 else ''}"
            axes.set_ylabel(words, rotation=0, ha="right", va="center", labelpad=6, fontsize=8.5)
            if axes is not grid[-1]:
                axes.spines["bottom"].set_visible(False)
                axes.tick_params(bottom=False)
        grid[-1].set_xlabel("time [h]")
        grid[-1].set_xlim(float(table["time_h"].min()), float(table["time_h"].max()) * 1.01)
        _draw_legend(figure, set(table["state"]), marks, widest_pg)
    return figure


def _draw_tree(axes: Any, own: pd.DataFrame, ends: Mapping[int, str], widest_pg: float) -> set[str]:
    """Draw one lineage; return which ends were marked."""
    marks: set[str] = set()
    slots = dict(own[["cell_id", "slot"]].drop_duplicates("cell_id").itertuples(index=False, name=None))
    for cell in own["cell_id"].unique().tolist():
        part = own[own["cell_id"] == cell]
        slot = float(part["slot"].iloc[0])
        half = (part["dry_mass_pg"] / widest_pg).clip(0, 1.3).to_numpy() * FULL_WIDTH / 2
        time_h = part["time_h"].to_numpy()
        mother = int(part["parent_id"].to_numpy()[0])
        if mother in slots:
            axes.plot([time_h[0]] * 2, [slots[mother], slot], color=style.MUTED, lw=0.9, zorder=1)
        state = part["state"].to_numpy()
        for begin, end in _runs(state):
            span = slice(begin, min(end + 1, len(part)))  # up to the next point, so that no gap shows
            axes.fill_between(
                time_h[span], slot - half[span], slot + half[span], zorder=2, **LOOKS[str(state[begin])]
            )
        if ends.get(cell, "") in ENDS:
            marker, _ = ENDS[ends[cell]]
            axes.plot(
                time_h[-1], slot, marker, ms=5, mfc="white", mec=style.INK, mew=0.9, zorder=3, clip_on=False
            )
            marks.add(ends[cell])
    axes.set_ylim(float(own["slot"].max()) + 0.7, -0.7)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(axis="y", visible=False)
    return marks


def _runs(state: np.ndarray) -> list[tuple[int, int]]:
    """Return first and last + 1 of each run of equal states."""
    borders = [0, *(np.flatnonzero(state[1:] != state[:-1]) + 1).tolist(), len(state)]
    return list(zip(borders[:-1], borders[1:], strict=True))


def _draw_legend(figure: Figure, states: set[str], marks: set[str], widest_pg: float) -> None:
    from matplotlib.lines import Line2D

    handles: list[Any] = [Patch(label=state, **look) for state, look in LOOKS.items() if state in states]
    for kind, (marker, words) in ENDS.items():
        if kind in marks:
            handles.append(Line2D([], [], ls="", marker=marker, mfc="white", mec=style.INK, label=words))
    height_pg = widest_pg / FULL_WIDTH
    title = f"the width of a branch is dry mass; the distance of two leaves stands for {height_pg:.0f} pg"
    figure.legend(handles=handles, loc="outside upper center", ncols=6, title=title, title_fontsize=8.5)
