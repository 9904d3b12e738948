"""The card of a suspect: thumbnails above the dry-mass trace above how unusual each window is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lensfree.config import ScoreConfig
from lensfree.report import style
from lensfree.report.content import Suspect
from lensfree.report.plain_words import kind_in_words
from lensfree.report.spans import (
    abnormal_spans,
    division_times_h,
    failed_spans,
    forecast_centre_h,
    window_centre_h,
)
from lensfree.report.strip import draw_leads, draw_strip

WIDTH_IN = 11.0
CURVES_IN = 2.3
LEADS_IN = 0.2


def draw_card(
    suspect: Suspect,
    score: ScoreConfig,
    *,
    pixel_pitch_um: float,
    tau_w: float | None = None,
    opd_range_nm: tuple[float, float] = (0.0, 300.0),
) -> Figure:
    """Draw a suspect: a line leads from every thumbnail down to its own time on the shared axis.

    Args:
        suspect: the series, its windows and its thumbnails.
        score: settings of the windows.
        pixel_pitch_um: pitch of the thumbnails.
        tau_w: threshold on a window's surprise, or MSE, drawn where known.
        opd_range_nm: range of the thumbnails' colours, common to all cards of a page.
    """
    n_thumbnails = len(suspect.thumbnails)
    left, right, bottom, gap_in = 0.075, 0.99, 0.5, LEADS_IN
    strip_in = min(1.4, (right - left) * WIDTH_IN / n_thumbnails) if n_thumbnails else 0.0
    height_in = bottom + CURVES_IN + gap_in + strip_in + 0.25
    with style.look():
        # Placed by hand: constrained layout would not keep the pictures square.
        figure = style.new_figure(WIDTH_IN, height_in)
        figure.set_layout_engine("none")
        top = (bottom + CURVES_IN) / height_in
        box = {"left": left, "right": right, "bottom": bottom / height_in, "top": top, "hspace": 0.12}
        rows = figure.add_gridspec(2, 1, height_ratios=(2.2, 1), **box)
        trace = figure.add_subplot(rows[0])
        unusual = figure.add_subplot(rows[1], sharex=trace)
        failed = failed_spans(suspect.windows, score)
        _draw_trace(trace, suspect, failed)
        _draw_windows(unusual, suspect, score, tau_w)
        if n_thumbnails:
            place = (left, top + gap_in / height_in, right - left, strip_in / height_in)
            strip = figure.add_axes(place, sharex=trace)
            draw_strip(strip, suspect, failed, pixel_pitch_um, opd_range_nm)
            leads = figure.add_axes((left, top, right - left, gap_in / height_in), sharex=trace)
            draw_leads(leads, suspect)
        trace.set_xlim(suspect.series["time_h"].min(), suspect.series["time_h"].max())
        _mark_onset(trace, unusual, suspect)
        trace.tick_params(labelbottom=False)
        unusual.set_xlabel("time [h]")
        figure.align_ylabels([trace, unusual])
    return figure


def _draw_trace(axes: Any, suspect: Suspect, failed: list[tuple[float, float]]) -> None:
    series = suspect.series
    for index, (begin_h, end_h) in enumerate(failed):
        axes.axvspan(
            begin_h, end_h, color=style.RED, alpha=0.16, lw=0, label="forecast failed" if index == 0 else None
        )
    for cell_index, (_, part) in enumerate(series.groupby("cell_id", sort=False)):
        colour = style.BLUE if cell_index % 2 == 0 else style.SKY
        axes.plot(
            part["time_h"], part["dry_mass_pg"], color=colour, label="dry mass" if cell_index == 0 else None
        )
        _draw_band(axes, part, colour)
    draw_filled_and_divisions(axes, series, size=3.5, label="filled point")
    axes.set_ylabel("dry mass [pg]")
    axes.set_ylim(0, 1.3 * max(1.0, float(np.nanmax(series["dry_mass_pg"]))))
    axes.legend(loc="upper left", ncols=5, borderaxespad=0.1)


def draw_filled_and_divisions(axes: Any, series: pd.DataFrame, *, size: float, label: str) -> None:
    """Mark the points of a history that were filled across gaps, and its divisions."""
    filled = series[series["is_filled"]]
    if len(filled):
        axes.plot(
            filled["time_h"],
            filled["dry_mass_pg"],
            "o",
            ms=size,
            mfc="white",
            mec=style.ORANGE,
            label=label,
        )
    for index, time_h in enumerate(division_times_h(series)):
        axes.axvline(time_h, color=style.GREEN, ls="--", lw=1.1, label="division" if index == 0 else None)


def _draw_band(axes: Any, part: pd.DataFrame, colour: str) -> None:
    """Draw one standard error to either side of a cell's dry mass, where it is known."""
    if "dry_mass_se_pg" not in part or part["dry_mass_se_pg"].isna().all():
        return
    has_label = "± standard error" in axes.get_legend_handles_labels()[1]
    axes.fill_between(
        part["time_h"],
        part["dry_mass_pg"] - part["dry_mass_se_pg"],
        part["dry_mass_pg"] + part["dry_mass_se_pg"],
        color=colour,
        alpha=0.22,
        lw=0,
        label=None if has_label else "± standard error",
    )


def _mark_onset(trace: Any, unusual: Any, suspect: Suspect) -> None:
    """Draw the onset through both curves, with what began beside it."""
    if not np.isfinite(suspect.onset_h):
        return
    for axes in (trace, unusual):
        axes.axvline(suspect.onset_h, color=style.ONSET, lw=1.6, zorder=4)
    begin_h, end_h = trace.get_xlim()
    is_late = suspect.onset_h > (begin_h + end_h) / 2
    trace.annotate(
        kind_in_words(suspect.kind),
        # Near the bottom: the axis begins at no dry mass at all, so there are few curves.
        (suspect.onset_h, 0.04),
        xycoords=("data", "axes fraction"),
        xytext=(-4 if is_late else 4, 0),
        textcoords="offset points",
        ha="right" if is_late else "left",
        va="bottom",
        color=style.ONSET,
        weight="bold",
        zorder=5,
        bbox={"fc": "white", "ec": "none", "alpha": 0.8, "pad": 1},
    )


def _draw_windows(axes: Any, suspect: Suspect, score: ScoreConfig, tau_w: float | None) -> None:
    """Draw the surprise of each window at its middle, or its MSE at the middle of what it foretold."""
    windows = suspect.windows.sort_values("start_h")
    has_surprise = bool(windows["surprise"].notna().any())
    at_h = window_centre_h(windows, score) if has_surprise else forecast_centre_h(windows, score)
    value = windows["surprise" if has_surprise else "forecast_mse"].to_numpy()
    is_abnormal = windows["is_abnormal"].to_numpy()
    for begin_h, end_h in abnormal_spans(suspect.windows, score, "window"):
        axes.plot(
            [begin_h, end_h], [0, 0], color=style.RED, lw=4, alpha=0.5, solid_capstyle="butt", clip_on=False
        )
    axes.plot(at_h, value, color=style.MUTED, lw=0.9)
    axes.plot(at_h[~is_abnormal], value[~is_abnormal], ".", color=style.BLUE, ms=3)
    axes.plot(at_h[is_abnormal], value[is_abnormal], ".", color=style.RED, ms=4)
    if tau_w is not None:
        axes.axhline(tau_w, color=style.RED, lw=1, ls=":")
        axes.annotate(
            "threshold" if has_surprise else "τ",
            (0.0, tau_w),
            xycoords=("axes fraction", "data"),
            xytext=(4, 1.5),
            textcoords="offset points",
            va="bottom",
            color=style.RED,
            fontsize=8,
        )
    top = max([1e-9, *value[np.isfinite(value)].tolist(), tau_w or 0.0])
    axes.set_ylim(0, 1.25 * top)
    axes.set_ylabel("surprise of\nwindows [1]" if has_surprise else "forecast\nMSE [1]")
