"""The comparison as figures: every well of every condition, and the differences with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lensfree.report import style
from lensfree.report.compare_effects import WELL_UNITS
from lensfree.report.compare_measures import MEASURES, Measure

_COLUMNS = 3
_SHAPES = ("o", "s", "^", "D", "v", "P", "X", "*")
_COLOURS = (style.BLUE, style.ORANGE, style.GREEN, style.SKY, style.ONSET, style.RED, style.INK, style.MUTED)
_PERCENT = ("1/h",)


def draw_wells(table: pd.DataFrame, conditions: Sequence[str]) -> Figure:
    """Draw every well's value in every measure, with the middle half of its cells as a line.

    Args:
        table: `contracts_report.WELLS`.
        conditions: in the order of drawing; each has a colour and a shape of its own.
    """
    measures = [measure for measure in MEASURES if (table["measure"] == measure.name).any()]
    n_rows = max(1, -(-len(measures) // _COLUMNS))
    with style.look():
        figure = style.new_figure(10.5, 2.9 * n_rows + 0.3, padding_in=0.09)
        grid = figure.subplots(n_rows, _COLUMNS, squeeze=False).ravel()
        for axes, measure in zip(grid, measures, strict=False):
            _draw_measure(axes, table[table["measure"] == measure.name], measure, conditions)
        for axes in grid[len(measures) :]:
            axes.set_visible(False)
    return figure


def draw_effects(effects: pd.DataFrame, conditions: Sequence[str]) -> Figure:
    """Draw the differences from the reference with their intervals, a panel per measure.

    A filled mark says that wells were drawn anew, an empty one that lineages were.

    Args:
        effects: `contracts_report.EFFECTS`.
        conditions: the reference first.
    """
    others = list(conditions[1:])
    measures = [measure for measure in MEASURES if (effects["measure"] == measure.name).any()]
    n_rows = max(1, -(-len(measures) // _COLUMNS))
    with style.look():
        figure = style.new_figure(10.5, n_rows * (0.95 + 0.3 * len(others)) + 0.2, padding_in=0.09)
        grid = figure.subplots(n_rows, _COLUMNS, squeeze=False).ravel()
        for axes, measure in zip(grid, measures, strict=False):
            own = effects[effects["measure"] == measure.name].set_index("condition")
            factor = _factor(measure)
            axes.axvline(0, color=style.INK, lw=0.9)
            for k, condition in enumerate(others):
                if condition not in own.index:
                    continue
                row = own.loc[condition]
                colour, shape = _look_of(k + 1)
                if np.isfinite(row["low"]):
                    axes.plot([factor * row["low"], factor * row["high"]], [k, k], color=colour, lw=2.2)
                is_filled = row["drawn_anew"] == WELL_UNITS
                axes.plot(
                    factor * row["difference"], k, shape, ms=7, mec=colour, mew=1.6,
                    mfc=colour if is_filled else "white",
                )  # fmt: skip
            axes.set_ylim(len(others) - 0.4, -0.6)
            axes.set_yticks(range(len(others)), [_short(name) for name in others])
            axes.margins(x=0.12)
            axes.set_title(f"Δ {_title(measure)}", loc="left")
        for axes in grid[len(measures) :]:
            axes.set_visible(False)
    return figure


def _draw_measure(axes: Any, own: pd.DataFrame, measure: Measure, conditions: Sequence[str]) -> None:
    factor = _factor(measure)
    for k, condition in enumerate(conditions):
        wells = own[own["condition"] == condition]
        colour, shape = _look_of(k)
        places = k + 0.5 * (np.arange(len(wells)) + 0.5) / max(len(wells), 1) - 0.25
        for x, row in zip(places, wells.to_dict("records"), strict=True):
            if np.isfinite(row["quarter_low"]):
                span = [factor * row["quarter_low"], factor * row["quarter_high"]]
                axes.plot([x, x], span, color=colour, lw=1.1, alpha=0.8)
            axes.plot(x, factor * row["value"], shape, color=colour, ms=5.5, mec="white", mew=0.5)
        if len(wells) > 1:
            mean = factor * float(wells["value"].mean())
            axes.plot([k - 0.32, k + 0.32], [mean, mean], color=style.INK, lw=1.2)
    axes.set_xticks(range(len(conditions)), [_short(name) for name in conditions])
    axes.set_xlim(-0.6, len(conditions) - 0.4)
    axes.grid(axis="x", visible=False)
    bottom, top = axes.get_ylim()
    axes.set_ylim(min(0.0, bottom), top + 0.06 * (top - min(0.0, bottom)))
    axes.set_title(_title(measure), loc="left")


def _look_of(k: int) -> tuple[str, str]:
    return _COLOURS[k % len(_COLOURS)], _SHAPES[k % len(_SHAPES)]


def _factor(measure: Measure) -> float:
    """Shares and rates are drawn in percent."""
    return 100.0 if measure.unit in _PERCENT or measure.name == "flagged" else 1.0


def _title(measure: Measure) -> str:
    if measure.unit in _PERCENT:
        return measure.title.replace("[1/h]", "[%/h]")
    return measure.title.replace("[1]", "[%]") if measure.name == "flagged" else measure.title


def _short(name: str) -> str:
    """Return a condition's name broken in two lines, or cut, so that neighbours do not overlap."""
    name = name or "(not said)"
    if len(name) <= 14:
        return name
    space = name.rfind(" ", 0, 16)
    first, rest = (name[:space], name[space + 1 :]) if space > 3 else (name[:14], name[14:])
    return f"{first}\n{rest if len(rest) <= 15 else rest[:14] + '…'}"
