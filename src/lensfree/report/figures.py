"""Curves and histograms of a whole acquisition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lensfree.report import style


def draw_population(
    per_frame: pd.DataFrame, cells: pd.DataFrame, truth: pd.DataFrame | None = None
) -> Figure:
    """Draw the number of cells and their total dry mass against time.

    Args:
        per_frame: frame, time_h, is_missing.
        cells: the cells table.
        truth: true cells inside the field, drawn beside the measured ones.
    """
    with style.look():
        figure = style.new_figure(8.4, 3.9)
        count_axes, mass_axes = figure.subplots(2, 1, sharex=True)
        for table, colour, dashes, label in (
            (truth, style.ORANGE, "--", "truth"),
            (cells, style.BLUE, "-", "measured"),
        ):
            if table is None:
                continue
            totals = totals_per_frame(per_frame, table)
            count_axes.plot(totals["time_h"], totals["n_cells"], color=colour, ls=dashes, label=label)
            mass_axes.plot(totals["time_h"], totals["dry_mass_ng"], color=colour, ls=dashes, label=label)
        for axes, label in ((count_axes, "cells [1]"), (mass_axes, "total dry mass [ng]")):
            axes.set_ylabel(label)
            axes.set_ylim(bottom=0)
            mark_missing(axes, per_frame)
        if truth is not None or per_frame["is_missing"].any():
            count_axes.legend(loc="lower right", ncols=3)
        mass_axes.set_xlabel("time [h]")
    return figure


def draw_quality(per_frame: pd.DataFrame) -> Figure | None:
    """Draw background sd, misfit and distance against time; None if nothing of it was measured."""
    names = {"background_sd_nm": "background\nsd [nm]", "misfit": "misfit [1]", "z_um": "z [µm]"}
    measured = [name for name in names if name in per_frame and per_frame[name].notna().any()]
    if not measured:
        return None
    with style.look():
        figure = style.new_figure(8.4, 0.6 + 1.35 * len(measured))
        grid = figure.subplots(len(measured), 1, sharex=True, squeeze=False)[:, 0]
        for axes, name in zip(grid, measured, strict=True):
            axes.plot(per_frame["time_h"], per_frame[name], color=style.BLUE)
            axes.set_ylabel(names[name])
            axes.ticklabel_format(axis="y", useOffset=False)
            if name != "z_um":
                axes.set_ylim(bottom=0)
            mark_missing(axes, per_frame)
        grid[-1].set_xlabel("time [h]")
    return figure


def draw_histograms(
    cells: pd.DataFrame, tracks: pd.DataFrame | None, series: pd.DataFrame | None, window_h: float
) -> Figure:
    """Draw how long cells were followed and how heavy they are.

    Args:
        cells: the cells table.
        tracks: the tracks table, None before tracking.
        series: the series table, None before it is made.
        window_h: length of a scored window: shorter series get no score.
    """
    with style.look():
        figure = style.new_figure(8.4, 2.8)
        length_axes, mass_axes = figure.subplots(1, 2)
        if tracks is not None and len(tracks):
            _draw_lengths(length_axes, tracks, series, window_h)
        else:
            length_axes.text(
                0.5, 0.5, "no tracks", ha="center", color=style.MUTED, transform=length_axes.transAxes
            )
        length_axes.set_xlabel("followed for [h]")
        length_axes.set_ylabel("count [1]")
        mass_pg = cells["dry_mass_pg"].to_numpy()
        mass_axes.hist(np.clip(mass_pg, 0, heaviest_pg(mass_pg)), bins=40, color=style.BLUE)
        if mass_pg.size:
            median_pg = float(np.median(mass_pg))
            mass_axes.axvline(median_pg, color=style.INK, lw=1, ls="--", label=f"median {median_pg:.0f} pg")
            mass_axes.legend(loc="upper right")
        mass_axes.set_xlabel("dry mass [pg]")
        mass_axes.set_ylabel("detections [1]")
    return figure


def totals_per_frame(per_frame: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """Return frame, time_h, n_cells, dry_mass_ng of every frame that was recorded; no cells count as 0."""
    recorded = per_frame.loc[~per_frame["is_missing"], ["frame", "time_h"]]
    sums = cells.groupby("frame")["dry_mass_pg"].agg(n_cells="size", dry_mass_ng=lambda pg: pg.sum() / 1000)
    return recorded.join(sums, on="frame").fillna({"n_cells": 0, "dry_mass_ng": 0.0})


def mark_missing(axes: Any, per_frame: pd.DataFrame) -> None:
    """Shade the frames that could not be read."""
    times_h = per_frame["time_h"].to_numpy()
    half_h = float(np.median(np.diff(times_h))) / 2 if len(times_h) > 1 else 0.0
    for index, time_h in enumerate(per_frame.loc[per_frame["is_missing"], "time_h"]):
        label = "missing frame" if index == 0 else None
        axes.axvspan(time_h - half_h, time_h + half_h, color=style.MISSING, lw=0, label=label)


def _draw_lengths(axes: Any, tracks: pd.DataFrame, series: pd.DataFrame | None, window_h: float) -> None:
    lengths_h = durations_h(tracks, "cell_id")
    paths_h = durations_h(series, "series_id") if series is not None and len(series) else None
    bins = followed_bins_h(tracks, series).tolist()
    top_h = bins[-1]
    axes.hist(lengths_h, bins=bins, color=style.BLUE, label=f"{len(lengths_h)} cells")
    if paths_h is not None:
        axes.hist(
            paths_h, bins=bins, histtype="step", color=style.RED, lw=1.5, label=f"{len(paths_h)} series"
        )
    if top_h > 0.7 * window_h:
        axes.axvline(window_h, color=style.INK, lw=1, ls="--", label=f"scored from {window_h:g} h")
    # Room for the legend above the bars.
    axes.set_ylim(0, 1.45 * axes.get_ylim()[1])
    axes.legend(loc="upper right")


def followed_bins_h(tracks: pd.DataFrame, series: pd.DataFrame | None) -> np.ndarray:
    """Return the edges of the bins for how long cells and series were followed."""
    top_h = max(1.0, float(durations_h(tracks, "cell_id").max()))
    if series is not None and len(series):
        top_h = max(top_h, float(durations_h(series, "series_id").max()))
    return np.linspace(0, top_h, 31)


def heaviest_pg(mass_pg: np.ndarray) -> float:
    """Return the end of the histogram of dry mass; heavier cells count in its last bin."""
    return float(np.percentile(mass_pg, 99.5)) if mass_pg.size else 1.0


def durations_h(table: pd.DataFrame, key: str) -> pd.Series:
    """Return last minus first time of each value of `key`."""
    grouped = table.groupby(key)["time_h"]
    return grouped.max() - grouped.min()
