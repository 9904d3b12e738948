"""The figure of the highest-ranked cells shows whose outline is whose, the onset, and the band."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from lensfree.report import style
from lensfree.report.odd_cells import _OUTLINE, Look, OddCell, draw_odd_cells
from lensfree.report.style import to_png

PITCH_UM = 1.5


def look(frame, *, own=True, is_onset=False, beyond=False):
    opd_nm = np.zeros((41, 41), np.float32)
    regions = np.zeros((41, 41), np.int32)
    opd_nm[16:25, 15:27], opd_nm[2:8, 2:9] = 90.0, 30.0
    regions[2:8, 2:9] = 4
    if own:
        regions[16:25, 15:27] = 1
    if beyond:
        opd_nm[-9:] = np.nan
    return Look(frame, frame / 10, opd_nm, regions, (20.0, 20.0), is_onset)


def odd(looks, *, onset_h=2.0, has_band=True):
    time_h = np.arange(50) / 10
    series = pd.DataFrame(
        {
            "time_h": time_h,
            "dry_mass_pg": 100.0 + time_h,
            "cell_id": np.where(time_h < 4, 3, 8),
            "is_filled": False,
        }
    )
    series.loc[10:12, "is_filled"] = True
    late_h = time_h[time_h >= onset_h] if has_band else np.empty(0)
    band = pd.DataFrame({"time_h": late_h, "low_pg": 80.0, "middle_pg": 110.0, "high_pg": 900.0})
    return OddCell(
        "1   died at 2.0 h", "From 2.0 h on it died.", series, band, onset_h, tuple(looks), PITCH_UM
    )


def contours(axes):
    return [to_hex(c.get_edgecolor()[0]).upper() for c in axes.collections]


def test_the_own_outline_has_its_colour_and_those_of_others_are_grey():
    figure = draw_odd_cells([odd([look(0), look(20, is_onset=True), look(49, own=False)])])
    pictures = figure.axes[:3]
    assert contours(pictures[0]) == [_OUTLINE.upper(), style.MUTED.upper()]
    assert contours(pictures[2]) == [style.MUTED.upper()]
    crosses = [[line.get_marker() for line in axes.lines if line.get_marker() == "+"] for axes in pictures]
    assert crosses == [[], [], ["+"]]


def test_the_picture_of_the_onset_is_framed_and_every_picture_says_its_time():
    figure = draw_odd_cells([odd([look(0), look(20, is_onset=True)])])
    first, second = figure.axes[:2]
    assert [axes.get_title() for axes in (first, second)] == ["0.0 h, f 0", "2.0 h, f 20"]
    framed = [[spine.get_visible() for spine in axes.spines.values()] for axes in (first, second)]
    assert framed == [[False] * 4, [True] * 4]
    assert to_hex(second.spines["left"].get_edgecolor()).upper() == style.ONSET.upper()


def test_all_pictures_of_a_cell_are_equally_bright():
    dim = look(30)
    faint = Look(30, 3.0, dim.opd_nm / 10, dim.regions, dim.place_px)
    figure = draw_odd_cells([odd([look(0), faint])])
    limits = {axes.images[0].norm.vmax for axes in figure.axes[:2]}
    assert len(limits) == 1 and limits.pop() == pytest.approx(90.0)
    # a cell a tenth as thick is drawn at a third of the brightness
    assert figure.axes[1].images[0].norm(9.0) == pytest.approx(np.sqrt(0.1), rel=1e-3)


def test_the_scale_bar_stands_where_there_is_field():
    figure = draw_odd_cells([odd([look(0, beyond=True), look(20), look(49)])])
    bars = [sum("µm" in text.get_text() for text in axes.texts) for axes in figure.axes[:3]]
    assert bars == [0, 1, 0]
    nowhere = draw_odd_cells([odd([look(0, beyond=True), look(20, beyond=True)])])
    (bar,) = [text for axes in nowhere.axes[:2] for text in axes.texts if "µm" in text.get_text()]
    assert 20 < bar.get_position()[1] < 41 - 9  # above the rows beyond the field


def test_the_axis_is_that_of_the_measurement_and_not_of_the_band():
    figure = draw_odd_cells([odd([look(0), look(20)])])
    trace = figure.axes[-1]
    assert 104.9 < trace.get_ylim()[1] < 200
    labels = set(trace.get_legend_handles_labels()[1])
    assert labels == {"normal cells", "dry mass", "filled", "division", "onset", "pictures"}


def test_without_band_and_onset_neither_is_drawn():
    figure = draw_odd_cells([odd([look(0)], onset_h=float("nan"), has_band=False)])
    assert set(figure.axes[-1].get_legend_handles_labels()[1]) == {
        "dry mass",
        "filled",
        "division",
        "pictures",
    }


def test_rows_do_not_overlap_and_words_stand_above_their_own():
    cells = [odd([look(0), look(20)]), odd([look(0)])]
    figure = draw_odd_cells(cells)
    boxes = [axes.get_position() for axes in figure.axes]
    first, second = boxes[:3], boxes[3:]
    assert min(box.y0 for box in first) > max(box.y1 for box in second)
    words = [text.get_position()[1] for text in figure.texts]
    assert words[0] > max(box.y1 for box in first) > min(box.y0 for box in first) > words[2]
    assert to_png(figure, dpi=40).startswith(b"\x89PNG")


def test_no_cell_is_said():
    assert [text.get_text() for text in draw_odd_cells([]).texts] == ["no cell was judged"]


def test_a_cell_in_the_dark_can_be_drawn():
    dark = Look(0, 0.0, np.full((9, 9), np.nan, np.float32), np.zeros((9, 9), np.int32), (4.0, 4.0))
    assert draw_odd_cells([odd([dark])]).axes[0].images[0].norm.vmax == 1.0
