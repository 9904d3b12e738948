"""A second look at a noisy map: how much it counts, what it sees, and what becomes of two answers."""

import numpy as np
import pytest
import stand_in
from bumps import dome_nm, plateau_nm
from scipy.ndimage import gaussian_filter

from lensfree.cells.background import white_noise_sd_nm
from lensfree.cells.second_look import (
    DISAGREEMENT,
    FULL_NM,
    FULL_SHARE,
    LEAST_NM,
    agreed,
    quieter_nm,
    second_share,
    upside_down,
)

SHAPE_YX = (120, 170)
PITCH_UM = 1.67


@pytest.mark.parametrize("noise_nm", [0.0, 0.2, 0.99 * LEAST_NM, np.nan])
def test_a_quiet_map_needs_no_second_look(noise_nm):
    assert second_share(noise_nm) == 0


def test_the_share_grows_with_the_noise_up_to_a_limit():
    assert second_share(FULL_NM / 2) == pytest.approx(FULL_SHARE / 2)
    assert second_share(FULL_NM) == second_share(3 * FULL_NM) == FULL_SHARE


def two_cells_nm(gap_um=23.0):
    """Two domes with a furrow between them, and a flat cell apart from them."""
    at_um = dict(y_um=60.0, radius_um=12.0, height_nm=150.0)
    opd_nm = sum(dome_nm(SHAPE_YX, PITCH_UM, x_um=x_um, **at_um) for x_um in (90.0, 90.0 + gap_um))
    return opd_nm + plateau_nm(
        SHAPE_YX, PITCH_UM, y_um=140.0, x_um=200.0, semi_um=(20.0, 10.0), height_nm=60.0
    )


@pytest.mark.parametrize("noise_nm", [5.0, 20.0])
def test_most_of_the_noise_is_gone_and_no_optical_volume(noise_nm):
    clean_nm = two_cells_nm()
    rng = np.random.default_rng(3)
    quiet_nm = quieter_nm(clean_nm + noise_nm * rng.standard_normal(SHAPE_YX), noise_nm)
    assert quiet_nm.dtype == np.float32 and quiet_nm.shape == SHAPE_YX
    is_empty = clean_nm == 0
    assert white_noise_sd_nm(quiet_nm) < 0.3 * noise_nm
    assert np.std(quiet_nm[is_empty]) < 0.4 * noise_nm
    # what noise itself adds to a sum over the cells is a sd of noise times the root of their pixels
    n_px = np.count_nonzero(~is_empty)
    assert quiet_nm[~is_empty].sum() == pytest.approx(clean_nm.sum(), abs=3 * noise_nm * n_px**0.5)


def test_a_gaussian_that_takes_out_as_much_noise_fills_the_furrow_more():
    """The furrow is 30 nm deep at least; the Gaussian leaves a fifth of the noise, the means no more."""
    clean_nm, rng = two_cells_nm(), np.random.default_rng(4)
    row, left, right = round(60 / PITCH_UM), round(90 / PITCH_UM), round(113 / PITCH_UM)
    depths = {"none": [], "means": [], "gauss": []}
    for _ in range(10):
        noisy_nm = clean_nm + 10 * rng.standard_normal(SHAPE_YX)
        seen = {
            "none": clean_nm,
            "means": quieter_nm(noisy_nm, 10.0),
            "gauss": gaussian_filter(noisy_nm, 1.4),
        }
        for name, opd_nm in seen.items():
            # along the line of the two centres, in the middle of the shape: valley under the lower shoulder
            line_nm = opd_nm[row - 1 : row + 2].mean(axis=0)
            valley_nm = line_nm[left:right].min()
            depths[name].append(min(line_nm[: left + 1].max(), line_nm[right:].max()) - valley_nm)
    is_empty = clean_nm == 0
    assert np.std(seen["means"][is_empty]) < 1.2 * np.std(seen["gauss"][is_empty])
    none, means, gauss = (np.mean(depths[name]) for name in ("none", "means", "gauss"))
    assert none > 30
    assert abs(means - none) < abs(gauss - none)


def test_a_map_smaller_than_what_means_reach_goes_through():
    rng = np.random.default_rng(5)
    assert np.isfinite(quieter_nm(rng.normal(0, 10, (4, 6)), 10.0)).all()


def test_upside_down_twice_is_as_before():
    maps = np.random.default_rng(6).random((4, 5, 8))
    turned = upside_down(maps)
    assert turned[2, 0, 0] == maps[2, -1, -1] and turned[2, 0, -1] == maps[2, -1, 0]
    np.testing.assert_array_equal(upside_down(turned), maps)


def test_where_both_looks_agree_the_second_has_its_share():
    maps = np.full((4, 6, 9), 0.9)
    mean = agreed(maps, 1.01 * maps, 0.6)
    off = (0.01 / 1.01 / DISAGREEMENT) ** 4
    np.testing.assert_allclose(mean, maps * (1 + 0.01 * 0.6 / (1 + off)), rtol=1e-12)


@pytest.mark.parametrize(("one", "other"), [(0.0, 3.0), (3.0, 0.0)])
def test_where_they_differ_the_first_decides(one, other):
    """A disc that only one of them has counts for 1/17 of the share: one over the disagreement is 2."""
    maps = np.full((4, 6, 9), one)
    mean = agreed(maps, np.full(maps.shape, other), 0.7)
    np.testing.assert_allclose(mean, one + 0.7 / 17 * (other - one), rtol=1e-12)


def test_faint_differences_beside_cells_are_no_disagreement():
    """On empty ground both are about zero, where the ratio of two small numbers says nothing."""
    maps = np.zeros((4, 6, 9))
    mean = agreed(maps, maps + 0.02, 0.5)
    np.testing.assert_allclose(mean, 0.01, rtol=0.01)


def test_each_map_and_pixel_by_itself():
    rng = np.random.default_rng(7)
    maps, others = rng.random((2, 4, 6, 9))
    mean = agreed(maps, others, 0.7)
    for index in range(4):
        np.testing.assert_array_equal(mean[index], agreed(maps[[index]], others[[index]], 0.7)[0])
    np.testing.assert_array_equal(mean[:, :3], agreed(maps[:, :3], others[:, :3], 0.7))
    assert ((mean - np.minimum(maps, others) >= 0) & (np.maximum(maps, others) - mean >= 0)).all()


def test_on_the_device_as_on_the_host(monkeypatch):
    """On a strict stand-in for CuPy."""
    cupy = stand_in.install(monkeypatch)
    maps, others = np.random.default_rng(8).random((2, 4, 6, 9)).astype(np.float32)
    mean = agreed(cupy.asarray(maps), upside_down(cupy.asarray(others)), 0.7)
    assert type(mean) is cupy.ndarray
    np.testing.assert_allclose(mean.get(), agreed(maps, upside_down(others), 0.7), rtol=1e-6)
    noisy_nm = np.random.default_rng(9).normal(0, 7, (80, 90))
    assert white_noise_sd_nm(cupy.asarray(noisy_nm)) == pytest.approx(white_noise_sd_nm(noisy_nm), rel=1e-12)
