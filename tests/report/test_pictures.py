from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lensfree.report import style
from lensfree.report.content import Snapshot
from lensfree.report.pictures import (
    bin_to_page,
    compose_hologram,
    draw_montage,
    draw_reconstruction,
    opd_range_nm,
    stretch_hologram,
)

SHAPE_YX = (48, 80)


def snapshot(**changes) -> Snapshot:
    rng = np.random.default_rng(0)
    plain = dict(
        frame=3,
        time_h=0.5,
        origin_um=(0.0, 0.0),
        hologram=rng.normal(1, 0.1, (*SHAPE_YX, 3)),
        opd_nm=rng.normal(0, 20, SHAPE_YX),
        absorption=np.zeros(SHAPE_YX),
        cells=pd.DataFrame({"y_um": [10.0], "x_um": [20.0], "dry_mass_pg": [300.0]}),
    )
    return Snapshot(**{**plain, **changes})


def pictures_of(figure) -> list:
    return [axes for axes in figure.axes if axes.images]


def test_three_colours_become_red_green_blue_by_wavelength():
    intensity = np.stack([np.full(SHAPE_YX, value) for value in (0.1, 0.2, 0.3)])
    shown = compose_hologram(intensity, (450.0, 647.0, 540.0))
    assert shown.shape == (*SHAPE_YX, 3)
    assert shown[0, 0].tolist() == [0.2, 0.3, 0.1]


@pytest.mark.parametrize("wavelength_nm", [(532.0,), (532.0, 532.0, 532.0), (450.0, 540.0)])
def test_anything_else_shows_its_first_channel(wavelength_nm):
    intensity = np.arange(len(wavelength_nm))[:, None, None] + np.zeros(SHAPE_YX)
    assert compose_hologram(intensity, wavelength_nm).tolist() == intensity[0].tolist()


def test_binning_keeps_the_mean_and_fits_the_page():
    image = np.random.default_rng(1).normal(size=(96, 160))
    shown, block = bin_to_page(image, 50)
    assert block == 4
    assert shown.shape == (24, 40)
    assert shown[2, 5] == pytest.approx(image[8:12, 20:24].mean())
    assert bin_to_page(np.zeros((96, 160, 3)), 50)[0].shape == (24, 40, 3)
    assert bin_to_page(image, 200)[1] == 1


def test_the_open_beam_is_mid_grey_and_fringes_keep_their_sign():
    hologram = np.array([[1.0, 1.2], [0.8, 1.0]])
    shown = stretch_hologram(hologram)
    assert shown[0, 0] == 0.5
    assert shown[0, 1] > 0.9
    assert shown[1, 0] < 0.1


def test_the_colours_cover_the_cells_and_survive_pictures_without_any_value():
    low, high = opd_range_nm([np.array([[0.0, 100.0]])])
    assert low == pytest.approx(1.0)
    assert high == pytest.approx(99.8)
    assert opd_range_nm([np.full((2, 3), np.nan)]) == (0.0, 1.0)
    assert opd_range_nm([]) == (0.0, 1.0)


def test_a_montage_has_a_row_for_hologram_opd_and_cells_and_a_column_per_frame():
    assert len(pictures_of(draw_montage([snapshot()] * 4, 1.67))) == 12


def test_the_words_beside_a_single_column_are_inside_the_picture():
    figure = draw_montage([snapshot(opd_nm=np.zeros((60, 80)), hologram=None)], 1.67)
    figure.canvas.draw()
    for axes in pictures_of(figure):
        assert axes.yaxis.label.get_text()
        assert axes.yaxis.label.get_window_extent().x0 >= 0


def test_rows_that_no_frame_can_fill_are_left_out():
    assert len(pictures_of(draw_montage([snapshot(hologram=None)] * 3, 1.67))) == 6
    assert len(pictures_of(draw_montage([snapshot(hologram=None, cells=None)] * 3, 1.67))) == 3


def test_cells_are_marked_where_they_are_in_the_shown_region():
    cells = pd.DataFrame({"y_um": [100 + 16.7], "x_um": [200 + 33.4], "dry_mass_pg": [300.0]})
    figure = draw_montage([snapshot(origin_um=(100.0, 200.0), cells=cells)], 1.67)
    marks = [line for axes in figure.axes for line in axes.lines if line.get_marker() == "o"]
    assert len(marks) == 1
    assert marks[0].get_xydata()[0].tolist() == pytest.approx([20.0, 10.0])


def test_cells_are_marked_on_the_right_block_of_a_binned_field():
    image = np.zeros((1000, 1600))
    image[410:414, 1210:1214] = 500.0
    cells = pd.DataFrame({"y_um": [411.5 * 1.67], "x_um": [1211.5 * 1.67], "dry_mass_pg": [300.0]})
    figure = draw_montage([snapshot(hologram=None, opd_nm=image, absorption=None, cells=cells)], 1.67)
    axes = pictures_of(figure)[1]
    shown = np.asarray(axes.images[0].get_array())
    brightest = np.unravel_index(shown.argmax(), shown.shape)
    mark = next(line for line in axes.lines if line.get_marker() == "o").get_xydata()[0]
    np.testing.assert_allclose(mark[::-1], brightest, atol=1.0)


def test_a_scale_bar_is_as_long_as_it_says():
    figure = draw_montage([snapshot(hologram=None, cells=None)], 1.67)
    axes = pictures_of(figure)[0]
    (bar,) = {tuple(np.round(line.get_xdata(), 6)) for line in axes.lines}
    label = axes.texts[0].get_text()
    assert label == "20 µm"
    assert (bar[1] - bar[0]) * 1.67 == pytest.approx(20.0)


@pytest.mark.parametrize(
    ("width_um", "length_um"), [(133.6, 20), (640, 100), (500, 100), (6400, 1000), (8, 2), (1.0, 0.2)]
)
def test_scale_bars_are_round_numbers_of_at_most_a_third(width_um, length_um):
    assert style.nice_length_um(width_um) == pytest.approx(length_um)


def test_reconstruction_shows_three_pictures_and_without_hologram_only_opd():
    assert len(pictures_of(draw_reconstruction(snapshot(), 1.67))) == 3
    assert len(pictures_of(draw_reconstruction(snapshot(hologram=None, absorption=None), 1.67))) == 1


def test_every_picture_of_one_quantity_has_its_colour_bar():
    grey = snapshot(hologram=np.ones(SHAPE_YX))
    assert len(draw_reconstruction(grey, 1.67).axes) == 3 + 3
    assert len(draw_reconstruction(snapshot(), 1.67).axes) == 3 + 2  # three colours have none


def test_a_blank_frame_is_drawn():
    blank = snapshot(hologram=np.ones(SHAPE_YX), opd_nm=np.zeros(SHAPE_YX))
    assert style.to_png(draw_montage([blank], 1.67)).startswith(b"\x89PNG")
    assert style.to_png(draw_reconstruction(blank, 1.67)).startswith(b"\x89PNG")
