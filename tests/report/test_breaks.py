"""The pictures of breaks show whom they speak of."""

import numpy as np
from matplotlib.colors import to_hex

from lensfree.report import style
from lensfree.report.breaks import Crop, draw_breaks
from lensfree.report.style import to_png

PITCH_UM = 1.5


def crop(title="frame 5", note=""):
    opd_nm = np.zeros((40, 55), np.float32)
    opd_nm[18:25, 20:30] = 90.0
    return Crop(
        opd_nm=opd_nm,
        pixel_pitch_um=PITCH_UM,
        title=title,
        note=note,
        cell_id=np.array([3, 4, 8, 9]),
        place_um=np.array([[30.0, 37.5], [15.0, 60.0], [45.0, 7.5], [-20.0, 10.0]]),
        cells_in_question=(3, 8),
        other_um=np.array([[31.5, 36.0]]),
    )


def marks(axes):
    """Dots and crosses as {(x, y): (marker, colour)}."""
    return {
        (float(line.get_xdata()[0]), float(line.get_ydata()[0])): (
            line.get_marker(),
            to_hex(line.get_markeredgecolor()).lower(),
        )
        for line in axes.lines
        if len(line.get_xdata()) == 1
    }


def test_cells_in_question_have_their_colours_and_others_are_grey():
    figure = draw_breaks([[crop(note="cell 2 of the instrument: lost")]])
    ((part,),) = [figure.subfigs]
    (axes,) = part.axes
    assert marks(axes) == {
        (25.0, 20.0): ("o", style.MARK.lower()),
        (40.0, 10.0): ("o", style.MISSING.lower()),
        (5.0, 30.0): ("o", style.ORANGE.lower()),
        (24.0, 21.0): ("x", style.SKY.lower()),
    }
    assert {text.get_text() for text in axes.texts} == {"3", "4", "8"}  # 9 lies outside the crop
    assert axes.get_title() == "frame 5"
    assert part.get_suptitle() == "cell 2 of the instrument: lost"


def test_a_row_per_break_whatever_its_length():
    figure = draw_breaks([[crop(f"frame {k}") for k in range(3)], [crop("frame 9")]])
    visible = [[axes.get_title() for axes in part.axes if axes.get_visible()] for part in figure.subfigs]
    assert visible == [["frame 0", "frame 1", "frame 2"], ["frame 9"]]
    assert to_png(figure).startswith(b"\x89PNG")


def test_no_breaks_is_said():
    figure = draw_breaks([])
    assert [text.get_text() for text in figure.texts] == ["no track breaks"]


def test_a_frame_without_a_cell_of_ours_and_without_light_can_be_drawn():
    empty = crop()
    dark = Crop(
        **{
            **empty.__dict__,
            "opd_nm": np.zeros((40, 55), np.float32),
            "cell_id": np.empty(0, int),
            "place_um": np.empty((0, 2)),
        }
    )
    figure = draw_breaks([[dark]])
    assert set(marks(figure.subfigs[0].axes[0]).values()) == {("x", style.SKY.lower())}


def test_numbers_stay_within_their_picture_and_do_not_hide_each_other():
    crowd = Crop(
        **{
            **crop().__dict__,
            "cell_id": np.array([111, 222, 333, 444, 555]),
            # 111 at the right, 222 at the top, 333 and 444 side by side, 555 on the cell asked for
            "place_um": PITCH_UM * np.array([[20, 53], [1, 20], [30, 10], [30, 12], [20, 51.0]]),
            "cells_in_question": (111, 555),
        }
    )
    figure = draw_breaks([[crowd] * 5])
    figure.draw_without_rendering()
    for axes in figure.subfigs[0].axes:
        frame = axes.get_window_extent()
        assert {text.get_text() for text in axes.texts} == {"111", "222", "333", "555"}
        boxes = [text.get_window_extent() for text in axes.texts]
        assert all(frame.x0 <= box.x0 and box.x1 <= frame.x1 for box in boxes)
        assert all(frame.y0 <= box.y0 and box.y1 <= frame.y1 for box in boxes)
    assert len({round(axes.get_window_extent().width, 3) for axes in figure.subfigs[0].axes}) == 1
