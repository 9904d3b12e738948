"""The card of a suspect: thumbnails above the dry-mass trace above the forecast error."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from lensfree.config import ScoreConfig
from lensfree.report import style
from lensfree.report.content import Suspect, Thumbnail
from lensfree.report.spans import abnormal_spans, division_times_h, forecast_centre_h

RING_RADIUS_UM = 16.0


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
    n_thumbnails = max(1, len(suspect.thumbnails))
    width_in = 11.0
    strip_in = min(1.4, 10.0 / n_thumbnails) if suspect.thumbnails else 0.01
    with style.look():
        figure = style.new_figure(width_in, strip_in + 2.9)
        # The strip spans exactly the width of the trace, so that slot i sits above slot i of the time axis.
        figure.set_layout_engine("none")
        left, right, height_in = 0.065, 0.99, strip_in + 2.9
        rows = figure.add_gridspec(
            2, 1, left=left, right=right, bottom=0.5 / height_in, top=2.75 / height_in, height_ratios=(2.2, 1), hspace=0.12
        )
        slot = (right - left) / n_thumbnails
        for index, thumbnail in enumerate(suspect.thumbnails):
            axes = figure.add_axes((left + index * slot + 0.001, 2.9 / height_in, slot - 0.002, strip_in / height_in))
            is_shaded = any(b <= thumbnail.time_h <= e for b, e in abnormal_spans(suspect.windows, score))
            _draw_thumbnail(axes, thumbnail, pixel_pitch_um, opd_range_nm, is_first=index == 0, is_shaded=is_shaded)
        trace = figure.add_subplot(rows[0])
        error = figure.add_subplot(rows[1], sharex=trace)
        _draw_trace(trace, suspect, score)
        _draw_error(error, suspect, score, tau_w)
        trace.set_xlim(suspect.series["time_h"].min(), suspect.series["time_h"].max())
        trace.tick_params(labelbottom=False)
        error.set_xlabel("time [h]")
        figure.align_ylabels([trace, error])
    return figure


def _draw_thumbnail(
    axes: Any,
    thumbnail: Thumbnail,
    pixel_pitch_um: float,
    opd_range_nm: tuple[float, float],
    *,
    is_first: bool,
    is_shaded: bool,
) -> None:
    ny, nx = thumbnail.opd_nm.shape
    axes.set_facecolor(style.BEYOND_FIELD)
    low, high = opd_range_nm
    axes.imshow(thumbnail.opd_nm, cmap=style.OPD_COLOURS, vmin=low, vmax=high)
    style.hide_frame(axes)
    ring = Circle(
        ((nx - 1) / 2, (ny - 1) / 2), RING_RADIUS_UM / pixel_pitch_um, fill=False, ec="white", lw=0.8, ls=(0, (2, 2))
    )
    axes.add_patch(ring)
    if is_first:
        style.draw_scale_bar(axes, (ny, nx), pixel_pitch_um)
    else:
        axes.set_xlim(-0.5, nx - 0.5)
        axes.set_ylim(ny - 0.5, -0.5)
    if thumbnail.is_first_after_division:
        axes.text(0.07, 0.93, "*", transform=axes.transAxes, color="#3BE0A5", fontsize=17, weight="bold", va="top")
    axes.set_title(
        f"{thumbnail.time_h:.1f} h", fontsize=8, pad=2, color=style.RED if is_shaded else style.INK
    )
    if is_shaded:
        for spine in axes.spines.values():
            spine.set(visible=True, color=style.RED, linewidth=2)


def _draw_trace(axes: Any, suspect: Suspect, score: ScoreConfig) -> None:
    series = suspect.series
    for index, (begin_h, end_h) in enumerate(abnormal_spans(suspect.windows, score)):
        axes.axvspan(begin_h, end_h, color=style.RED, alpha=0.16, lw=0, label="forecast failed" if index == 0 else None)
    for cell_index, (_, part) in enumerate(series.groupby("cell_id", sort=False)):
        colour = style.BLUE if cell_index % 2 == 0 else style.SKY
        axes.plot(part["time_h"], part["dry_mass_pg"], color=colour, label="dry mass" if cell_index == 0 else None)
    filled = series[series["is_filled"]]
    if len(filled):
        axes.plot(
            filled["time_h"], filled["dry_mass_pg"], "o", ms=3.5, mfc="white", mec=style.ORANGE, label="filled point"
        )
    for index, time_h in enumerate(division_times_h(series)):
        axes.axvline(time_h, color=style.GREEN, ls="--", lw=1.1, label="division" if index == 0 else None)
    axes.set_ylabel("dry mass [pg]")
    axes.set_ylim(0, 1.12 * max(1.0, float(np.nanmax(series["dry_mass_pg"]))))
    axes.legend(loc="upper left", ncols=4, borderaxespad=0.1)


def _draw_error(axes: Any, suspect: Suspect, score: ScoreConfig, tau_w: float | None) -> None:
    windows = suspect.windows.sort_values("start_h")
    centre_h = forecast_centre_h(windows, score)
    is_abnormal = windows["is_abnormal"].to_numpy()
    mse = windows["forecast_mse"].to_numpy()
    for begin_h, end_h in abnormal_spans(suspect.windows, score, "window"):
        axes.plot([begin_h, end_h], [0, 0], color=style.RED, lw=4, alpha=0.5, solid_capstyle="butt", clip_on=False)
    axes.plot(centre_h, mse, color=style.MUTED, lw=0.9)
    axes.plot(centre_h[~is_abnormal], mse[~is_abnormal], ".", color=style.BLUE, ms=3)
    axes.plot(centre_h[is_abnormal], mse[is_abnormal], ".", color=style.RED, ms=4)
    if tau_w is not None:
        axes.axhline(tau_w, color=style.RED, lw=1, ls=":")
        axes.annotate(
            "τ$_w$", (0.0, tau_w), xycoords=("axes fraction", "data"), xytext=(4, 1), textcoords="offset points",
            color=style.RED, fontsize=8,
        )
    top = max([1e-9, *mse.tolist(), tau_w or 0.0])
    axes.set_ylim(0, 1.15 * top)
    axes.set_ylabel("forecast\nMSE [1]")
