from __future__ import annotations

import numpy as np

from lensfree.report.regions import centred_region, crop_square


def test_a_crop_is_centred_on_the_pixel_at_the_position():
    image = np.zeros((48, 80), dtype=np.float32)
    image[30, 61] = 1.0
    crop = crop_square(image, (30 * 1.67, 61 * 1.67), side_um=20.0, pixel_pitch_um=1.67)
    assert crop.shape == (13, 13)
    assert np.argwhere(crop == 1.0).tolist() == [[6, 6]]


def test_a_crop_is_empty_beyond_the_field_and_complete_inside():
    image = np.ones((48, 80), dtype=np.float32)
    crop = crop_square(image, (0.0, 79 * 2.0), side_um=20.0, pixel_pitch_um=2.0)
    assert np.isnan(crop[:5]).all()
    assert np.isnan(crop[:, 6:]).all()
    assert (crop[5:, :6] == 1.0).all()


def test_a_crop_wholly_outside_is_empty():
    crop = crop_square(np.ones((48, 80), dtype=np.float32), (-300.0, 10.0), side_um=20.0, pixel_pitch_um=2.0)
    assert np.isnan(crop).all()


def test_a_small_field_is_shown_whole():
    assert centred_region((48, 80), width_um=500.0, pixel_pitch_um=1.67) == (slice(0, 48), slice(0, 80))


def test_a_large_field_shows_its_middle_in_its_own_proportions():
    y, x = centred_region((48, 80), width_um=40.0, pixel_pitch_um=1.0)
    assert (y.stop - y.start, x.stop - x.start) == (24, 40)
    assert (y.start, x.start) == (12, 20)


def test_a_region_around_a_cell_at_the_border_is_moved_inside():
    y, x = centred_region((48, 80), width_um=40.0, pixel_pitch_um=1.0, centre_um=(47.0, 2.0))
    assert (y, x) == (slice(24, 48), slice(0, 40))
