"""Pictures around the frames in which tracks lose a cell that another instrument followed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from lensfree.report import style

_PANEL_IN = 1.75
_COLOURS = (style.MARK, style.ORANGE)
_NUMBER_YX = (0.09, 0.16)  # a number's height and width, in sides of a picture
_ON_THE_LEFT, _BELOW = 0.84, 0.1


@dataclass(frozen=True)
class Crop:
    """A piece of a frame with the cells in it.

    Attributes:
        opd_nm: (y, x).
        pixel_pitch_um: its pixels.
        title: which frame it is.
        note: what the row shows; stands over its first picture.
        cell_id: (n,) our cells of the frame, in the crop or not.
        place_um: (n, yx) where they are, from the crop's first pixel.
        cells_in_question: our cell before and after the break, which get a colour each.
        other_um: (m, yx) where the other has the cell it followed.
    """

    opd_nm: np.ndarray
    pixel_pitch_um: float
    title: str
    note: str
    cell_id: np.ndarray
    place_um: np.ndarray
    cells_in_question: tuple[int, int]
    other_um: np.ndarray


def draw_breaks(rows: Sequence[Sequence[Crop]]) -> Figure:
    """Draw a row of pictures per break: our cells as numbered dots, the other's cell as a cross.

    The cell before the break is green, that after it orange, all others grey; a grey number that would hide
    another is left out.
    """
    n_columns = max((len(row) for row in rows), default=1)
    with style.look():
        figure = style.new_figure(n_columns * _PANEL_IN, max(len(rows), 1) * (_PANEL_IN + 0.4))
        if not rows:
            figure.text(0.5, 0.5, "no track breaks", ha="center")
            return figure
        parts = figure.subfigures(len(rows), 1, squeeze=False)[:, 0]
        for part, row in zip(parts, rows, strict=True):
            part.suptitle(row[0].note, size=9, x=0.01, ha="left")
            panels = part.subplots(1, n_columns, squeeze=False)[0]
            brightest_nm = max(float(crop.opd_nm.max()) for crop in row)
            for axes, crop in zip(panels, row, strict=False):
                _draw(axes, crop, brightest_nm)
            for axes in panels[len(row) :]:
                axes.set_visible(False)
    return figure


def _draw(axes: Any, crop: Crop, brightest_nm: float) -> None:
    ny, nx = crop.opd_nm.shape
    axes.imshow(crop.opd_nm, cmap="gray", vmin=0, vmax=max(brightest_nm, 1.0))
    place_px = crop.place_um / crop.pixel_pitch_um
    is_in = ((place_px >= -0.5) & (place_px < np.array([ny, nx]) - 0.5)).all(axis=1)
    cells = dict(zip(crop.cell_id[is_in].tolist(), place_px[is_in], strict=True))
    asked = {
        cell: colour for cell, colour in zip(crop.cells_in_question, _COLOURS, strict=True) if cell in cells
    }
    numbered: list[np.ndarray] = []
    for cell in [*asked, *(cell for cell in cells if cell not in asked)]:
        (y, x), colour = cells[cell], asked.get(cell, style.MISSING)
        axes.plot(x, y, "o", ms=4 if cell in asked else 2.5, mfc="none", mec=colour, mew=1.2)
        at = (cells[cell] + 0.5) / (ny, nx)
        is_close = any((np.abs(at - other) < _NUMBER_YX).all() for other in numbered)
        if cell in asked or not is_close:
            is_left = at[1] > _ON_THE_LEFT or (is_close and at[1] < numbered[0][1])
            _number(
                axes, cell, at, colour, is_left=is_left, is_below=at[0] < _BELOW or (is_close and not is_left)
            )
            numbered.append(at)
    for y, x in crop.other_um / crop.pixel_pitch_um:
        axes.plot(x, y, "x", ms=5, mew=1.2, color=style.SKY)
    axes.set_title(crop.title, pad=2)
    style.draw_scale_bar(axes, (ny, nx), crop.pixel_pitch_um, has_label=False)
    style.hide_frame(axes)


def _number(axes: Any, cell: int, at: np.ndarray, colour: str, *, is_left: bool, is_below: bool) -> None:
    """Write the number of a cell beside it, `at` in sides of the picture from the top left."""
    number = axes.annotate(
        str(cell),
        (at[1], 1 - at[0]),
        (-3 if is_left else 3, -3 if is_below else 3),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="right" if is_left else "left",
        va="top" if is_below else "bottom",
        color=colour,
        size=7,
        path_effects=[style.outline()],  # cells are as bright as numbers
    )
    number.set_in_layout(False)  # the pictures of a row are equally large
