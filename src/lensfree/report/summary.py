"""One picture of the whole way: hologram, OPD, cells, and the trace of the first suspect."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from lensfree.report import style
from lensfree.report.content import PageContent, Snapshot, Suspect
from lensfree.report.figures import totals_per_frame
from lensfree.report.pictures import bin_to_page, opd_range_nm, stretch_hologram
from lensfree.report.plain_words import kind_in_words
from lensfree.report.spans import division_times_h, failed_spans

_TITLES = {"hologram": "hologram", "opd_nm": "optical path difference", "cells": "cells, dry mass in pg"}


def draw_summary(content: PageContent, snapshot: Snapshot | None) -> Figure:
    """Draw hologram -> OPD -> cells -> trace for one frame of an acquisition.

    A part that the acquisition does not have is left out.

    Args:
        content: the page.
        snapshot: the frame to show, None if no frame could be read.
    """
    kinds = [] if snapshot is None else [k for k in _TITLES if getattr(snapshot, k) is not None]
    titles = [_TITLES[kind] for kind in kinds]
    has_cells = content.cells is not None and len(content.cells) > 0
    if content.suspects:
        titles.append(_title(content.suspects[0]))
    elif has_cells and len(content.per_frame) > 1:
        titles.append("cells found against time")
    with style.look():
        if not titles:
            figure = style.new_figure(5, 1)
            words = "no frame of this acquisition could be read"
            figure.text(0.5, 0.5, words, ha="center", va="center", color=style.MUTED)
            return figure
        ratios = [1.0] * len(kinds) + [1.75] * (len(titles) - len(kinds))
        figure = style.new_figure(2.9 * sum(ratios), 2.9 * _proportion(snapshot) + 0.4)
        grid = figure.subplots(1, len(ratios), width_ratios=ratios, squeeze=False)[0]
        for axes, kind in zip(grid, kinds, strict=False):
            assert snapshot is not None
            _draw_picture(axes, kind, snapshot, content.facts.pixel_pitch_um)
        if content.suspects:
            _draw_suspect(grid[-1], content.suspects[0], content, snapshot)
        elif len(titles) > len(kinds):
            assert content.cells is not None
            totals = totals_per_frame(content.per_frame, content.cells)
            grid[-1].plot(totals["time_h"], totals["n_cells"], color=style.BLUE)
            grid[-1].set(xlabel="time [h]", ylabel="cells [1]")
        for number, (axes, title) in enumerate(zip(grid, titles, strict=True), start=1):
            axes.set_title(f"{number}  {title}")
        if content.facts.is_simulated:
            figure.text(0.004, 0.006, "simulated data", fontsize=7, color=style.RED)
    return figure


def _title(suspect: Suspect) -> str:
    word = "flagged" if suspect.is_flagged else "not flagged"
    if not np.isfinite(suspect.surprise):
        return f"the ringed cell over time, {word}: score {suspect.anomaly_score:.2f}"
    kind = kind_in_words(suspect.kind)
    return f"the ringed cell over time, {word}" + (f": {kind}" if kind else "")


def _proportion(snapshot: Snapshot | None) -> float:
    if snapshot is None:
        return 0.8
    ny, nx = snapshot.opd_nm.shape
    return min(max(ny / nx, 0.6), 1.4)


def _draw_picture(axes: Any, kind: str, snapshot: Snapshot, pixel_pitch_um: float) -> None:
    style.hide_frame(axes)
    image = snapshot.hologram if kind == "hologram" else snapshot.opd_nm
    assert image is not None
    shown, block = bin_to_page(image)
    if kind == "hologram":
        axes.imshow(stretch_hologram(shown), cmap="gray", vmin=0, vmax=1)
    else:
        low, high = opd_range_nm([snapshot.opd_nm])
        axes.imshow(shown, cmap=style.OPD_COLOURS, vmin=low, vmax=high)
    ny, nx = shown.shape[:2]
    pitch_um = pixel_pitch_um * block
    style.draw_scale_bar(axes, (ny, nx), pitch_um)
    if kind != "cells" or snapshot.cells is None:
        return
    y_px = (snapshot.cells["y_um"] - snapshot.origin_um[0]) / pitch_um
    x_px = (snapshot.cells["x_um"] - snapshot.origin_um[1]) / pitch_um
    axes.plot(x_px, y_px, "o", ms=3, mfc=style.MARK, mec="black", mew=0.5)
    if snapshot.about_um is not None:
        y, x = (
            (p - first) / pitch_um for p, first in zip(snapshot.about_um, snapshot.origin_um, strict=True)
        )
        axes.plot([x], [y], "o", ms=24, mfc="none", mec=style.MARK, mew=1.6)
    if len(snapshot.cells) <= 40:
        for y, x, pg in zip(y_px, x_px, snapshot.cells["dry_mass_pg"], strict=True):
            # Words of a cell at the right border would leave the picture.
            side = {"xytext": (4, 3), "ha": "left"} if x < 0.88 * nx else {"xytext": (-4, 3), "ha": "right"}
            axes.annotate(f"{pg:.0f}", (x, y), textcoords="offset points", color="white", fontsize=7, **side)


def _draw_suspect(axes: Any, suspect: Suspect, content: PageContent, snapshot: Snapshot | None) -> None:
    series = suspect.series
    for index, (begin_h, end_h) in enumerate(failed_spans(suspect.windows, content.score)):
        label = "forecast failed" if index == 0 else None
        axes.axvspan(begin_h, end_h, color=style.RED, alpha=0.18, lw=0, label=label)
    axes.plot(series["time_h"], series["dry_mass_pg"], color=style.BLUE)
    for index, time_h in enumerate(division_times_h(series)):
        axes.axvline(time_h, color=style.GREEN, ls="--", lw=1, label="division" if index == 0 else None)
    if np.isfinite(suspect.onset_h):
        axes.axvline(suspect.onset_h, color=style.ONSET, lw=1.6, label="onset")
    if snapshot is not None:
        axes.plot([snapshot.time_h], [0], "^", ms=8, color=style.INK, clip_on=False, label="the frame shown")
    axes.set_xlim(series["time_h"].min(), series["time_h"].max())
    axes.set_ylim(0, 1.3 * float(series["dry_mass_pg"].max()))
    axes.legend(loc="upper left", ncols=3, borderaxespad=0.1)
    axes.set(xlabel="time [h]", ylabel="dry mass [pg]")
