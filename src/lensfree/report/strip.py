"""The strip of thumbnails above a trace, and the lines that lead from each to its time."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.colors import PowerNorm
from matplotlib.patches import Ellipse, Rectangle

from lensfree.report import style
from lensfree.report.content import Suspect

RING_RADIUS_UM = 16.0
GAMMA = 0.6
"""Brightness follows OPD to this power: a flat cell, a tenth as thick as a rounded one, is seen beside it."""


def draw_strip(
    axes: Any,
    suspect: Suspect,
    failed: list[tuple[float, float]],
    pixel_pitch_um: float,
    opd_range_nm: tuple[float, float],
) -> None:
    """Draw the pictures on axes whose x is time: each is centred on its slot and as wide as a slot.

    Args:
        axes: empty axes.
        suspect: with thumbnails.
        failed: hours that the forecast missed; pictures taken in them are framed.
        pixel_pitch_um: pitch of the thumbnails.
        opd_range_nm: range of the colours.
    """
    series_h = suspect.series["time_h"]
    width_h = 0.98 * float(series_h.max() - series_h.min()) / len(suspect.thumbnails)
    side_um = suspect.thumbnails[0].opd_nm.shape[1] * pixel_pitch_um
    axes.set(ylim=(0, 1), facecolor="white")
    low_nm = max(opd_range_nm[0], 0.0)  # what is below the background is noise, the power would brighten it
    colours = {
        "cmap": style.OPD_COLOURS,
        "norm": PowerNorm(GAMMA, low_nm, max(opd_range_nm[1], low_nm + 1.0)),
    }
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
        marked = style.ONSET if thumbnail.is_onset else style.RED if is_failed else None
        if marked is not None:
            lw, zorder = (2.6, 6) if thumbnail.is_onset else (1.8, 5)
            frame = Rectangle((begin_h, 0), width_h, 1, fill=False, ec=marked, lw=lw, zorder=zorder)
            frame.set_clip_on(False)
            axes.add_patch(frame)
        if thumbnail.is_first_after_division:
            axes.text(
                begin_h + 0.07 * width_h, 0.95, "*", color=style.MARK, fontsize=17, weight="bold", va="top"
            )
        axes.text(
            thumbnail.slot_h,
            1.04,
            f"{thumbnail.time_h:.1f} h",
            fontsize=8,
            ha="center",
            va="bottom",
            color=marked or style.INK,
            weight="bold" if thumbnail.is_onset else "normal",
        )
    inside = (one for one in suspect.thumbnails if np.isfinite(one.opd_nm).all())
    first = next(inside, suspect.thumbnails[0])  # white words cannot be read beyond the field
    rows = np.flatnonzero(np.isfinite(first.opd_nm).any(axis=1))
    floor = 1 - (rows[-1] + 1) / len(first.opd_nm) if len(rows) else 0.0
    _draw_strip_scale(axes, (first.slot_h + 0.45 * width_h, floor), width_h, side_um)
    style.hide_frame(axes, is_sharing_x=True)


def draw_leads(axes: Any, suspect: Suspect) -> None:
    """Draw a line from the foot of every picture down to its time, on axes between pictures and curves."""
    axes.set(ylim=(0, 1), facecolor="none")
    for thumbnail in suspect.thumbnails:
        colour = style.ONSET if thumbnail.is_onset else style.MUTED
        axes.plot(
            [thumbnail.slot_h, thumbnail.time_h],
            [1, 0],
            color=colour,
            lw=1.6 if thumbnail.is_onset else 0.7,
            clip_on=False,
        )
    style.hide_frame(axes, is_sharing_x=True)


def _draw_strip_scale(axes: Any, corner: tuple[float, float], width_h: float, side_um: float) -> None:
    """Draw the bar above a lower right corner of what is field, (time, share of the height)."""
    right_h, floor = corner
    length_um = style.nice_length_um(side_um)
    length_h = length_um / side_um * width_h
    for colour, width in (("black", 4.5), ("white", 2.5)):
        ends_h = [right_h - length_h, right_h]
        axes.plot(ends_h, [floor + 0.07] * 2, color=colour, lw=width, solid_capstyle="butt")
    text = axes.text(
        right_h, floor + 0.1, f"{length_um:g} µm", color="white", fontsize=8, ha="right", va="bottom"
    )
    text.set_path_effects([style.outline()])
