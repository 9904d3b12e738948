"""The calibration plot: errors that were observed against the standard errors that were predicted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.special import ndtr

from lensfree.report import style

BINS = 12
MIN_CELLS = 30
"""A density with fewer cells has no line of its own."""

_COUNTS = np.linspace(0.0, 4.0, 161)


def draw_calibration(pairs: pd.DataFrame, within_1: float) -> Figure:
    """Draw how many errors lie within k standard errors, and the size of errors by predicted size.

    Args:
        pairs: a row per cell: `where` (density or culture), `error_pg`, `dry_mass_se_pg`.
        within_1: share of errors that should lie within one standard error.
    """
    with style.look():
        figure = style.new_figure(9.0, 4.2)
        shares, sizes = figure.subplots(1, 2)
        _draw_shares(shares, pairs, within_1)
        _draw_sizes(sizes, pairs, within_1)
    return figure


def binned(pairs: pd.DataFrame, within_1: float, bins: int = BINS) -> pd.DataFrame:
    """Return bins of equally many cells by predicted standard error.

    Returns:
        `predicted_pg` (median standard error), `observed_pg` (quantile of |error| at `within_1`), and
        `low_pg`, `high_pg`, between which that quantile lies with 68 % probability (order statistics).
    """
    rows = []
    for some in by_standard_error(pairs, bins):
        error_pg = some["error_pg"].abs()
        spread = np.sqrt(within_1 * (1 - within_1) / len(some))
        low_pg, observed_pg, high_pg = error_pg.quantile(
            np.clip([within_1 - spread, within_1, within_1 + spread], 0, 1)
        )
        rows.append((some["dry_mass_se_pg"].median(), observed_pg, low_pg, high_pg))
    return pd.DataFrame(rows, columns=["predicted_pg", "observed_pg", "low_pg", "high_pg"])


def by_standard_error(pairs: pd.DataFrame, groups: int) -> list[pd.DataFrame]:
    """Return groups of equally many cells, those with the smallest standard errors first."""
    ordered = pairs.sort_values("dry_mass_se_pg", kind="stable")
    return [ordered.iloc[rows] for rows in np.array_split(np.arange(len(ordered)), groups)]


def _draw_shares(axes: Any, pairs: pd.DataFrame, within_1: float) -> None:
    excess = (pairs["error_pg"].abs() / pairs["dry_mass_se_pg"]).to_numpy()
    for index, (_, some) in enumerate(pairs.groupby("where")):
        if len(some) >= MIN_CELLS:
            label = "each density, grown cultures" if index == 0 else None
            axes.plot(_COUNTS, _shares(excess[some.index]), color=style.SKY, lw=0.7, label=label)
    axes.plot(_COUNTS, _shares(excess), color=style.BLUE, lw=1.8, label=f"all {len(pairs)} cells")
    axes.plot(_COUNTS, 2 * ndtr(_COUNTS) - 1, color=style.INK, lw=1, ls="--", label="normal distribution")
    axes.plot([1], [within_1], "o", ms=6, mfc="none", mec=style.RED)
    axes.annotate(
        f"{100 * float(np.mean(excess <= 1)):.1f} %",
        (1, within_1),
        xytext=(8, -10),
        textcoords="offset points",
        color=style.RED,
    )
    axes.set(xlabel="|error| / standard error", ylabel="share of cells below", xlim=(0, 4), ylim=(0, 1.01))
    axes.legend(loc="lower right")


def _draw_sizes(axes: Any, pairs: pd.DataFrame, within_1: float) -> None:
    table = binned(pairs, within_1, max(1, min(BINS, len(pairs) // MIN_CELLS)))
    bars = [table["observed_pg"] - table["low_pg"], table["high_pg"] - table["observed_pg"]]
    axes.errorbar(
        table["predicted_pg"],
        table["observed_pg"],
        yerr=np.array(bars),
        fmt="o",
        ms=4,
        color=style.BLUE,
        elinewidth=1,
        label=f"{len(table)} equal groups of cells",
    )
    top_pg = 1.1 * float(table[["predicted_pg", "high_pg"]].to_numpy().max())
    axes.plot([0, top_pg], [0, top_pg], color=style.INK, lw=1, ls="--", label="as predicted")
    axes.set(xlabel="predicted standard error [pg]", ylabel="68 % of errors are smaller than [pg]")
    axes.set(xlim=(0, top_pg), ylim=(0, top_pg))
    axes.legend(loc="upper left")


def _shares(excess: np.ndarray) -> np.ndarray:
    return np.searchsorted(np.sort(excess), _COUNTS, side="right") / len(excess)
