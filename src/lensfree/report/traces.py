"""The card of a suspect: thumbnails above the dry-mass trace above the forecast error."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse, Rectangle

from lensfree.config import ScoreConfig
from lensfree.report import style
from lensfree.report.content import Suspect
from lensfree.report.spans import abnormal_spans, division_times_h, forecast_centre_h

RING_RADIUS_UM = 16.0
WIDTH_IN = 11.0
CURVES_IN = 2.3


def draw_card(
    suspect: Suspect,
    score: ScoreConfig,
    *,
    pixel_pitch_um: float,
    tau_w: float | None = None,
    opd_range_nm: tuple[float, float] = (0.0, 300.0),
) -> Figure:
    """Draw a suspect: every thumbnail stands above its own time on the shared axis.

    Args:
        suspect: the series, its windows and its thumbnails.
        score: settings of the windows.
        pixel_pitch_um: pitch of the thumbnails.
        tau_w: threshold on the MSE, drawn where known.
        opd_range_nm: range of the thumbnails' colours, common to all cards of a page.
    """
    n_thumbnails = len(suspect.thumbnails)
    left, right, bottom, gap_in = 0.075, 0.99, 0.5, 0.1
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
        error = figure.add_subplot(rows[1], sharex=trace)
        _draw_trace(trace, suspect, score)
        _draw_error(error, suspect, score, tau_w)
        if n_thumbnails:
            place = (left, top + gap_in / height_in, right - left, strip_in / height_in)
            strip = figure.add_axes(place, sharex=trace)
            _draw_strip(strip, suspect, abnormal_spans(suspect.windows, score), pixel_pitch_um, opd_range_nm)
        trace.set_xlim(suspect.series["time_h"].min(), suspect.series["time_h"].max())
        trace.tick_params(labelbottom=False)
        error.set_xlabel("time [h]")
        figure.align_ylabels([trace, error])
    return figure


def _draw_strip(
    axes: Any,
    suspect: Suspect,
    failed: list[tuple[float, float]],
    pixel_pitch_um: float,
    opd_range_nm: tuple[float, float],
) -> None:
    """Draw the pictures on axes whose x is time: each is centred on its slot and as wide as a slot."""
    series_h = suspect.series["time_h"]
    width_h = 0.98 * float(series_h.max() - series_h.min()) / len(suspect.thumbnails)
    side_um = suspect.thumbnails[0].opd_nm.shape[1] * pixel_pitch_um
    axes.set(ylim=(0, 1), facecolor="white")
    colours = {"cmap": style.OPD_COLOURS, "vmin": opd_range_nm[0], "vmax": opd_range_nm[1]}
    ring = 2 * RING_RADIUS_UM / side_um
    for thumbnail in suspect.thumbnails:
        begin_h, end_h = thumbnail.slot_h - width_h / 2, thumbnail.slot_h + width_h / 2
        is_failed = any(first_h <= thumbnail.time_h <= last_h for first_h, last_h in failed)
        axes.add_patch(Rectangle((begin_h, 0), width_h, 1, fc=style.BEYOND_FIELD, lw=0, zorder=0))
        extent = (begin_h, end_h, 0, 1)
        axes.imshow(thumbnail.opd_nm, extent=extent, aspect="auto", zorder=1, **colours)
        place = (thumbnail.slot_h, 0.5)
        axes.add_patch(
            Ellipse(place, ring * width_h, ring, fill=False, ec="white", lw=0.8, ls=(0, (2, 2)), zorder=2)
        )
        if is_failed:
            axes.add_patch(
                Rectangle((begin_h, 0), width_h, 1, fill=False, ec=style.RED, lw=1.8, clip_on=False, zorder=5)
            )
        if thumbnail.is_first_after_division:
            axes.text(
                begin_h + 0.07 * width_h, 0.95, "*", color=style.MARK, fontsize=17, weight="bold", va="top"
            )
        colour = style.RED if is_failed else style.INK
        axes.text(
            thumbnail.slot_h,
            1.04,
            f"{thumbnail.time_h:.1f} h",
            fontsize=8,
            ha="center",
            va="bottom",
            color=colour,
        )
    _draw_strip_scale(axes, suspect.thumbnails[0].slot_h + 0.45 * width_h, width_h, side_um)
    style.hide_frame(axes, is_sharing_x=True)


def _draw_strip_scale(axes: Any, right_h: float, width_h: float, side_um: float) -> None:
    length_um = style.nice_length_um(side_um)
    length_h = length_um / side_um * width_h
    axes.plot([right_h - length_h, right_h], [0.07, 0.07], color="white", lw=2.5, solid_capstyle="butt")
    axes.text(right_h, 0.1, f"{length_um:g} µm", color="white", fontsize=8, ha="right", va="bottom")


def _draw_trace(axes: Any, suspect: Suspect, score: ScoreConfig) -> None:
    series = suspect.series
    for index, (begin_h, end_h) in enumerate(abnormal_spans(suspect.windows, score)):
        axes.axvspan(
            begin_h, end_h, color=style.RED, alpha=0.16, lw=0, label="forecast failed" if index == 0 else None
        )
    for cell_index, (_, part) in enumerate(series.groupby("cell_id", sort=False)):
        colour = style.BLUE if cell_index % 2 == 0 else style.SKY
        axes.plot(
            part["time_h"], part["dry_mass_pg"], color=colour, label="dry mass" if cell_index == 0 else None
        )
        _draw_band(axes, part, colour)
    filled = series[series["is_filled"]]
    if len(filled):
        axes.plot(
            filled["time_h"],
            filled["dry_mass_pg"],
            "o",
            ms=3.5,
            mfc="white",
            mec=style.ORANGE,
            label="filled point",
        )
    for index, time_h in enumerate(division_times_h(series)):
        axes.axvline(time_h, color=style.GREEN, ls="--", lw=1.1, label="division" if index == 0 else None)
    axes.set_ylabel("dry mass [pg]")
    axes.set_ylim(0, 1.3 * max(1.0, float(np.nanmax(series["dry_mass_pg"]))))
    axes.legend(loc="upper left", ncols=5, borderaxespad=0.1)


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


def _draw_error(axes: Any, suspect: Suspect, score: ScoreConfig, tau_w: float | None) -> None:
    windows = suspect.windows.sort_values("start_h")
    centre_h = forecast_centre_h(windows, score)
    is_abnormal = windows["is_abnormal"].to_numpy()
    mse = windows["forecast_mse"].to_numpy()
    for begin_h, end_h in abnormal_spans(suspect.windows, score, "window"):
        axes.plot(
            [begin_h, end_h], [0, 0], color=style.RED, lw=4, alpha=0.5, solid_capstyle="butt", clip_on=False
        )
    axes.plot(centre_h, mse, color=style.MUTED, lw=0.9)
    axes.plot(centre_h[~is_abnormal], mse[~is_abnormal], ".", color=style.BLUE, ms=3)
    axes.plot(centre_h[is_abnormal], mse[is_abnormal], ".", color=style.RED, ms=4)
    if tau_w is not None:
        axes.axhline(tau_w, color=style.RED, lw=1, ls=":")
        axes.annotate(
            "τ",
            (0.0, tau_w),
            xycoords=("axes fraction", "data"),
            xytext=(4, 1),
            textcoords="offset points",
            color=style.RED,
            fontsize=8,
        )
    top = max([1e-9, *mse.tolist(), tau_w or 0.0])
    axes.set_ylim(0, 1.15 * top)
    axes.set_ylabel("forecast\nMSE [1]")
