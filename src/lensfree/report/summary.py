"""One picture of the whole way: hologram, OPD, cells, and the trace of the first suspect."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from lensfree.report import style
from lensfree.report.content import PageContent, Snapshot, Suspect
from lensfree.report.figures import totals_per_frame
from lensfree.report.pictures import bin_to_page, opd_range_nm, stretch_hologram
from lensfree.report.spans import abnormal_spans, division_times_h


def draw_summary(content: PageContent, snapshot: Snapshot | None) -> Figure:
    """Draw hologram -> OPD -> cells -> trace for one frame of an acquisition.

    A part that the acquisition does not have is left out.

    Args:
        content: the page.
        snapshot: the frame to show, None if no frame could be read.
    """
    pitch_um = content.facts.pixel_pitch_um
    kinds = []
    if snapshot is not None:
        kinds = [k for k in ("hologram", "opd", "cells") if getattr(snapshot, "opd_nm" if k == "opd" else k) is not None]
    has_trace = bool(content.suspects) or (content.cells is not None and len(content.per_frame) > 1)
    ratios = [1.0] * len(kinds) + ([1.75] if has_trace else [])
    with style.look():
        figure = style.new_figure(2.9 * max(1.0, sum(ratios)), 3.1)
        if not ratios:
            figure.text(0.5, 0.5, "no frame of this acquisition could be read", ha="center", color=style.MUTED)
            return figure
        grid = figure.subplots(1, len(ratios), width_ratios=ratios, squeeze=False)[0]
        for axes, kind in zip(grid, kinds, strict=False):
            assert snapshot is not None
            _draw_picture(axes, kind, snapshot, pitch_um, content)
        if has_trace and content.suspects:
            _draw_suspect(grid[-1], content.suspects[0], content)
        elif has_trace:
            assert content.cells is not None
            totals = totals_per_frame(content.per_frame, content.cells)
            grid[-1].plot(totals["time_h"], totals["n_cells"], color=style.BLUE)
            grid[-1].set(xlabel="time [h]", ylabel="cells [1]", title="cells found against time")
        if content.facts.is_simulated:
            figure.text(0.004, 0.006, "simulated data", fontsize=7, color=style.RED)
    return figure


def _draw_picture(axes: Any, kind: str, snapshot: Snapshot, pitch_um: float, content: PageContent) -> None:
    titles = {"hologram": "1  hologram", "opd": "2  optical path difference", "cells": "3  cells, dry mass in pg"}
    style.hide_frame(axes)
    axes.set_title(titles[kind])
    image = snapshot.hologram if kind == "hologram" else snapshot.opd_nm
    assert image is not None
    shown, block = bin_to_page(image)
    if kind == "hologram":
        axes.imshow(stretch_hologram(shown), cmap="gray", vmin=0, vmax=1)
    else:
        low, high = opd_range_nm([snapshot.opd_nm])
        axes.imshow(shown, cmap=style.OPD_COLOURS, vmin=low, vmax=high)
    ny, nx = shown.shape[:2]
    style.draw_scale_bar(axes, (ny, nx), pitch_um * block)
    if kind == "cells" and snapshot.cells is not None:
        y_px = (snapshot.cells["y_um"] - snapshot.origin_um[0]) / pitch_um / block
        x_px = (snapshot.cells["x_um"] - snapshot.origin_um[1]) / pitch_um / block
        is_shown = y_px.between(0, ny - 1) & x_px.between(0, nx - 1)
        axes.plot(x_px[is_shown], y_px[is_shown], "o", ms=9, mfc="none", mec="#3BE0A5", mew=1.3)
        if is_shown.sum() <= 25:
            for y, x, dry_mass_pg in zip(
                y_px[is_shown], x_px[is_shown], snapshot.cells["dry_mass_pg"][is_shown], strict=True
            ):
                axes.annotate(
                    f"{dry_mass_pg:.0f}", (x, y), xytext=(6, 4), textcoords="offset points", color="white", fontsize=7
                )


def _draw_suspect(axes: Any, suspect: Suspect, content: PageContent) -> None:
    series = suspect.series
    for begin_h, end_h in abnormal_spans(suspect.windows, content.score):
        axes.axvspan(begin_h, end_h, color=style.RED, alpha=0.18, lw=0)
    axes.plot(series["time_h"], series["dry_mass_pg"], color=style.BLUE)
    for time_h in division_times_h(series):
        axes.axvline(time_h, color=style.GREEN, ls="--", lw=1)
    axes.set_xlim(series["time_h"].min(), series["time_h"].max())
    axes.set_ylim(0, 1.1 * float(series["dry_mass_pg"].max()))
    word = "flagged" if suspect.is_flagged else "not flagged"
    axes.set(xlabel="time [h]", ylabel="dry mass [pg]")
    axes.set_title(f"4  dry mass of one cell line, {word}: score {suspect.anomaly_score:.2f}")
