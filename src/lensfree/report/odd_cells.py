"""Pictures of cells that a detector ranks highest: outlined in OPD around the onset, and their dry mass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from lensfree.report import style
from lensfree.report.traces import draw_filled_and_divisions

_WIDTH_IN, _TRACE_IN, _WORDS_IN, _GAP_IN = 12.0, 1.5, 0.62, 0.55
_LEFT, _RIGHT = 0.055, 0.99
_GAMMA = 0.5
"""Flat cells are a tenth as thick as rounded ones and must be seen beside them."""
_BRIGHTEST = 99.5
_OUTLINE = "#2CE6FF"


@dataclass(frozen=True)
class Look:
    """One picture of a cell.

    Attributes:
        frame: of the acquisition.
        time_h: its time.
        opd_nm: square crop around the cell (y, x), NaN beyond the field.
        regions: (y, x) whole numbers: 1 in the region of the cell, others in those of others, 0 outside.
        place_px: (y, x) where the cell is in the crop.
        is_onset: whether the picture is that of the onset.
    """

    frame: int
    time_h: float
    opd_nm: np.ndarray
    regions: np.ndarray
    place_px: tuple[float, float]
    is_onset: bool = False


@dataclass(frozen=True)
class OddCell:
    """A row of the figure.

    Attributes:
        title: who it is and what is thought to be wrong.
        words: the evidence.
        series: `time_h, dry_mass_pg, cell_id, is_filled`.
        band: `time_h, low_pg, middle_pg, high_pg` of a normal cell, without rows if unknown.
        onset_h: NaN if unclear.
        looks: pictures in order of time.
        pixel_pitch_um: their pixels.
    """

    title: str
    words: str
    series: pd.DataFrame
    band: pd.DataFrame
    onset_h: float
    looks: tuple[Look, ...]
    pixel_pitch_um: float


def draw_odd_cells(cells: Sequence[OddCell]) -> Figure:
    """Draw each cell as words, a row of pictures, and dry mass against time with the band of a normal cell.

    The cell's own region is outlined in bright blue, those of others in grey; a cross is where a cell
    was put without a region of its own. All pictures of a cell have the same brightness.
    """
    n_looks = max((len(cell.looks) for cell in cells), default=1)
    side_in = (_RIGHT - _LEFT) * _WIDTH_IN / n_looks
    row_in = _WORDS_IN + side_in + _TRACE_IN + _GAP_IN + 0.12
    with style.look():
        figure = style.new_figure(_WIDTH_IN, row_in * max(len(cells), 1))
        figure.set_layout_engine("none")
        if not cells:
            figure.text(0.5, 0.5, "no cell was judged", ha="center")
        height_in = row_in * max(len(cells), 1)
        for index, cell in enumerate(cells):
            _draw_row(figure, cell, height_in - index * row_in, height_in, side_in)
    return figure


def _draw_row(figure: Figure, cell: OddCell, top_in: float, height_in: float, side_in: float) -> None:
    def at(y_in: float) -> float:
        return y_in / height_in

    figure.text(_LEFT, at(top_in - 0.06), cell.title, size=10.5, weight="bold", va="top")
    figure.text(_LEFT, at(top_in - 0.25), cell.words, size=9, va="top")
    looks_in = top_in - _WORDS_IN - side_in
    norm = PowerNorm(_GAMMA, 0, _brightest_nm(cell.looks))
    whole = [index for index, look in enumerate(cell.looks) if np.isfinite(look.opd_nm).all()]
    bar = min(whole, default=0)  # words cannot be read beyond the field
    for index, look in enumerate(cell.looks):
        box = (_LEFT + index * side_in / _WIDTH_IN, at(looks_in), side_in / _WIDTH_IN, at(side_in))
        axes = figure.add_axes(_shrunk(box))
        _draw_look(axes, look, norm, cell.pixel_pitch_um, has_bar=index == bar)
    trace = figure.add_axes((_LEFT, at(looks_in - 0.12 - _TRACE_IN), _RIGHT - _LEFT, at(_TRACE_IN)))
    _draw_trace(trace, cell)


def _shrunk(box: tuple[float, float, float, float], by: float = 0.04) -> tuple[float, float, float, float]:
    left, bottom, width, height = box
    return left, bottom, width * (1 - by), height * (1 - by)


def _brightest_nm(looks: Sequence[Look]) -> float:
    values = [look.opd_nm[np.isfinite(look.opd_nm)] for look in looks]
    seen = np.concatenate(values) if values else np.empty(0)
    return max(float(np.percentile(seen, _BRIGHTEST)), 1.0) if seen.size else 1.0


def _draw_look(axes: Any, look: Look, norm: PowerNorm, pixel_pitch_um: float, *, has_bar: bool) -> None:
    ny, nx = look.opd_nm.shape
    axes.set_facecolor(style.BEYOND_FIELD)
    axes.imshow(look.opd_nm, cmap="gray", norm=norm)
    for number in np.unique(look.regions[look.regions > 0]).tolist():
        colour, width = (_OUTLINE, 1.2) if number == 1 else (style.MUTED, 0.8)
        axes.contour(look.regions == number, [0.5], colors=colour, linewidths=width)
    if not (look.regions == 1).any():
        axes.plot(look.place_px[1], look.place_px[0], "+", ms=9, mew=1.5, color=_OUTLINE)
    if has_bar:
        seen = np.flatnonzero(np.isfinite(look.opd_nm).any(axis=1))
        style.draw_scale_bar(axes, (int(seen[-1]) + 1 if len(seen) else ny, nx), pixel_pitch_um)
    axes.set(xlim=(-0.5, nx - 0.5), ylim=(ny - 0.5, -0.5))
    colour = style.ONSET if look.is_onset else style.INK
    weight = "bold" if look.is_onset else "normal"
    axes.set_title(f"{look.time_h:.1f} h, f {look.frame}", size=8, pad=2, color=colour, weight=weight)
    style.hide_frame(axes)
    if look.is_onset:
        for spine in axes.spines.values():
            spine.set(visible=True, color=style.ONSET, linewidth=2.5)


def _draw_trace(axes: Any, cell: OddCell) -> None:
    series, band = cell.series, cell.band
    if len(band):
        axes.fill_between(
            band["time_h"],
            band["low_pg"],
            band["high_pg"],
            color=style.ORANGE,
            alpha=0.25,
            lw=0,
            label="normal cells",
        )
    for index, (_, part) in enumerate(series.groupby("cell_id", sort=False)):
        axes.plot(
            part["time_h"],
            part["dry_mass_pg"],
            color=style.BLUE if index % 2 == 0 else style.SKY,
            label="dry mass" if index == 0 else None,
        )
    draw_filled_and_divisions(axes, series, size=3, label="filled")
    if np.isfinite(cell.onset_h):
        axes.axvline(cell.onset_h, color=style.ONSET, lw=1.6, label="onset")
    times_h = [look.time_h for look in cell.looks]
    axes.plot(
        times_h,
        np.full(len(times_h), 1.0),
        "v",
        ms=4,
        color=style.MUTED,
        clip_on=False,
        label="pictures",
        transform=axes.get_xaxis_transform(),
    )
    axes.set_xlim(series["time_h"].min(), series["time_h"].max())
    # A band may open far beyond what was measured: the axis is that of the measurement.
    axes.set_ylim(0, 1.45 * max(1.0, float(series["dry_mass_pg"].max())))
    axes.set_ylabel("dry mass [pg]")
    axes.set_xlabel("time [h]", labelpad=1)
    axes.legend(loc="upper left", ncols=6, borderaxespad=0.3)
