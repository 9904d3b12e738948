"""Curves of true against false positives (ROC), windows beside cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from lensfree.report import style

COLOURS = (style.ORANGE, style.BLUE, style.GREEN, style.RED)


@dataclass(frozen=True)
class Roc:
    """A curve.

    Attributes:
        method: what ranked.
        level: what was ranked, a panel each, such as windows and cells.
        false: share of the normal ones above each threshold, rising.
        true: share of the abnormal ones above it.
        auc: area under the curve.
        at_threshold: (false, true) of what the method raises.
    """

    method: str
    level: str
    false: np.ndarray
    true: np.ndarray
    auc: float
    at_threshold: tuple[float, float]


def draw_roc(curves: Sequence[Roc]) -> Figure:
    """Draw the curves, a panel per level and a colour per method; a cross marks what each method raises."""
    levels = list(dict.fromkeys(curve.level for curve in curves))
    methods = list(dict.fromkeys(curve.method for curve in curves))
    with style.look():
        figure = style.new_figure(4.4 * len(levels), 4.2)
        panels = np.atleast_1d(figure.subplots(1, len(levels)))
        for axes, level in zip(panels, levels, strict=True):
            axes.plot([0, 1], [0, 1], color=style.MUTED, lw=1, ls="--", label="chance")
            for curve in (each for each in curves if each.level == level):
                colour = COLOURS[methods.index(curve.method) % len(COLOURS)]
                label = f"{curve.method}, AUC {curve.auc:.3f}"
                axes.plot(curve.false, curve.true, color=colour, label=label)
                axes.plot(*curve.at_threshold, "x", color=colour, ms=8, mew=2)
            axes.set(xlabel=f"raised of normal {level}", ylabel=f"raised of altered {level}")
            axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), title=level)
            axes.legend(loc="lower right")
    return figure
