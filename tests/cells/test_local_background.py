import numpy as np
import pytest
from bumps import dome_nm, grid_um

from lensfree.cells.background import (
    background_beside_nm,
    estimate_background,
    spread_below_nm,
    white_noise_sd_nm,
)

SHAPE_YX = (180, 260)
PITCH_UM = 1.67
SCALE = dict(scale_um=60.0, threshold_nm=15.0)


def slow_nm(shape_yx, pixel_pitch_um):
    y, x = grid_um(shape_yx, pixel_pitch_um)
    return 12 * np.sin(y / 130) + 9 * np.cos(x / 170) + 0.03 * x


def crowd_nm(rng, shape_yx, pixel_pitch_um, count=60):
    total = np.zeros(shape_yx)
    for _ in range(count):
        y_um, x_um = rng.uniform(0, 1, 2) * shape_yx * np.array(pixel_pitch_um)
        radius_um, height_nm = rng.uniform(9, 15), rng.uniform(60, 400)
        total += dome_nm(
            shape_yx, pixel_pitch_um, y_um=y_um, x_um=x_um, radius_um=radius_um, height_nm=height_nm
        )
    return total


@pytest.mark.parametrize("pitch_um", [1.1, 1.67])
def test_a_slow_background_is_found_under_cells(pitch_um):
    rng = np.random.default_rng(2)
    shape_yx = (round(300 / pitch_um), round(430 / pitch_um))
    slow = slow_nm(shape_yx, pitch_um)
    opd_nm = slow + crowd_nm(rng, shape_yx, pitch_um) + rng.normal(0, 2, shape_yx)
    error_nm = estimate_background(opd_nm, pitch_um, **SCALE) - slow
    assert np.sqrt(np.mean(error_nm**2)) < 0.6
    assert abs(error_nm.mean()) < 0.3
    assert np.abs(error_nm).max() < 3.0


def test_a_constant_is_its_own_background():
    np.testing.assert_allclose(
        estimate_background(np.full(SHAPE_YX, -7.5), PITCH_UM, **SCALE), -7.5, atol=1e-9
    )


def test_an_offset_goes_through():
    rng = np.random.default_rng(4)
    opd_nm = crowd_nm(rng, SHAPE_YX, PITCH_UM) + rng.normal(0, 2, SHAPE_YX)
    first = estimate_background(opd_nm, PITCH_UM, **SCALE)
    np.testing.assert_allclose(estimate_background(opd_nm + 40, PITCH_UM, **SCALE), first + 40, atol=1e-6)


def test_a_field_smaller_than_the_scale_works():
    rng = np.random.default_rng(5)
    opd_nm = 20 + rng.normal(0, 2, (13, 31))
    np.testing.assert_allclose(estimate_background(opd_nm, PITCH_UM, **SCALE), 20, atol=1.0)


def test_beside_known_cells_a_faster_background_is_found_at_any_noise():
    """Waves of 150 um, that an estimate over 60 um hardly follows; cells an eighth of the field."""
    rng = np.random.default_rng(7)
    y, x = grid_um(SHAPE_YX, PITCH_UM)
    waves_nm = 15 * np.sin(2 * np.pi * y / 150) + 15 * np.cos(2 * np.pi * x / 170)
    cells_nm = crowd_nm(rng, SHAPE_YX, PITCH_UM, count=40)
    for noise_nm in (0.0, 20.0):
        opd_nm = waves_nm + cells_nm + noise_nm * rng.standard_normal(SHAPE_YX)
        first_nm = estimate_background(opd_nm, PITCH_UM, **SCALE)
        beside_nm = background_beside_nm(opd_nm - first_nm, cells_nm > 0, PITCH_UM, scale_um=25.0)
        before_nm, after_nm = (np.std(found - waves_nm) for found in (first_nm, first_nm + beside_nm))
        assert before_nm > 4
        assert after_nm < 2


def test_where_all_is_cell_the_background_beside_is_none():
    opd_nm = np.full(SHAPE_YX, 80.0)
    np.testing.assert_array_equal(background_beside_nm(opd_nm, opd_nm > 0, PITCH_UM, scale_um=25.0), 0)


def test_rims_of_known_cells_do_not_count():
    """A rim of one pixel that the outline misses, 40 nm high, is no background."""
    is_cell = np.zeros(SHAPE_YX, bool)
    is_cell[40:60, 70:100] = True
    opd_nm = np.zeros(SHAPE_YX)
    opd_nm[39:61, 69:101] = 40.0
    np.testing.assert_allclose(background_beside_nm(opd_nm, is_cell, PITCH_UM, scale_um=25.0), 0, atol=1e-12)


def test_the_spread_comes_from_below_the_background():
    rng = np.random.default_rng(6)
    above_nm = rng.normal(0, 3, SHAPE_YX)
    above_nm[:60] += 200
    assert spread_below_nm(above_nm) == pytest.approx(3, rel=0.03)
    assert spread_below_nm(np.ones(SHAPE_YX)) == 0


@pytest.mark.parametrize("noise_nm", [0.5, 5.0, 20.0])
def test_white_noise_is_told_from_cells_and_slow_background(noise_nm):
    rng = np.random.default_rng(8)
    y, x = np.indices((180, 240))
    smooth_nm = 30 * np.sin(x / 60) + 0.2 * y + 120 * np.exp(-((y - 90) ** 2 + (x - 70) ** 2) / 2 / 6.0**2)
    found_nm = white_noise_sd_nm(smooth_nm + noise_nm * rng.standard_normal(smooth_nm.shape))
    assert found_nm == pytest.approx(noise_nm, rel=0.03)


def test_a_map_too_small_for_second_differences_has_no_noise():
    assert white_noise_sd_nm(np.ones((2, 40))) == 0.0
