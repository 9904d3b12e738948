"""Dry mass as the weighted mean of what a network says and of the integral of OPD."""

import numpy as np
import pandas as pd
import pytest

from lensfree.cells.integral import (
    DISAGREEMENT,
    as_learnt,
    cell_regions,
    find_cells,
    region_dry_mass_pg,
    weigh_integrals,
)
from lensfree.cells.peaks import find_peaks
from lensfree.cells.representation import draw_representation
from lensfree.config import QuantifyConfig
from lensfree.units import SPECIFIC_REFRACTION_INCREMENT_UM3_PER_PG, dry_mass_pg, optical_volume_um3

SHAPE_YX = (120, 170)
PITCH_UM = 1.67
CONFIG = QuantifyConfig()
CENTRES_UM = np.array([[60.0, 70.0], [60.0, 105.0], [130.0, 200.0]])


def bumps_nm(heights_nm=(90.0, 70.0, 120.0), radius_um=11.0):
    """Paraboloids of OPD on a flat background, the first two 35 um apart, so that they do not touch."""
    y, x = (np.arange(n)[:, None] * PITCH_UM for n in SHAPE_YX)
    opd_nm = np.zeros(SHAPE_YX)
    for (at_y, at_x), height_nm in zip(CENTRES_UM, heights_nm, strict=True):
        distance2 = (y - at_y) ** 2 + (x.T - at_x) ** 2
        opd_nm += height_nm * np.clip(1 - distance2 / radius_um**2, 0, None)
    return opd_nm


def true_pg(heights_nm=(90.0, 70.0, 120.0), radius_um=11.0):
    """The volume of a paraboloid is half of its box."""
    return np.pi * radius_um**2 * np.array(heights_nm) / 2000 / SPECIFIC_REFRACTION_INCREMENT_UM3_PER_PG


def told(dry_mass_pg):
    return pd.DataFrame(
        {
            "y_um": CENTRES_UM[:, 0],
            "x_um": CENTRES_UM[:, 1],
            "dry_mass_pg": dry_mass_pg,
            "area_um2": 380.0,
            "max_opd_nm": 90.0,
            "length_um": 22.0,
        }
    )


def test_the_integral_over_a_region_is_the_volume_of_a_paraboloid():
    found_pg = region_dry_mass_pg(told(100.0), bumps_nm(), PITCH_UM, CONFIG)
    # the rim below the threshold is lost: (15 / height)^2 of a paraboloid lies outside that contour
    expected_pg = true_pg() * (1 - (CONFIG.threshold_nm / np.array([90.0, 70.0, 120.0])) ** 2)
    np.testing.assert_allclose(found_pg, expected_pg, rtol=0.02)


def test_a_region_is_where_its_cell_rises_above_the_threshold():
    regions, above_nm = cell_regions(told(100.0), bumps_nm(), PITCH_UM, CONFIG)
    assert regions.shape == above_nm.shape == SHAPE_YX
    y, x = (np.arange(n)[:, None] * PITCH_UM for n in SHAPE_YX)
    for row, ((at_y, at_x), height_nm) in enumerate(zip(CENTRES_UM, (90.0, 70.0, 120.0), strict=True)):
        reach_um = 11.0 * np.sqrt(1 - CONFIG.threshold_nm / height_nm)
        distance_um = np.hypot(y - at_y, x.T - at_x)
        assert (regions[distance_um < reach_um - PITCH_UM] == row + 1).all()
        assert not (regions == row + 1)[distance_um > reach_um + PITCH_UM].any()


def test_an_offset_and_a_slope_of_the_map_do_not_count():
    slope_nm = 25 + 0.05 * np.arange(SHAPE_YX[1])[None] - 0.04 * np.arange(SHAPE_YX[0])[:, None]
    flat_pg, tilted_pg = (
        region_dry_mass_pg(told(100.0), bumps_nm() + added, PITCH_UM, CONFIG) for added in (0.0, slope_nm)
    )
    np.testing.assert_allclose(tilted_pg, flat_pg, rtol=0.03)


def test_waves_of_the_background_do_not_count_either():
    """30 nm high and 200 um long: too fast for a background that does not know the cells."""
    y, x = (np.arange(n)[:, None] * PITCH_UM for n in SHAPE_YX)
    waves_nm = 15 * np.sin(2 * np.pi * y / 200) + 15 * np.cos(2 * np.pi * x.T / 200)
    level_pg, wavy_pg = (
        region_dry_mass_pg(told(100.0), bumps_nm() + added, PITCH_UM, CONFIG) for added in (0.0, waves_nm)
    )
    np.testing.assert_allclose(wavy_pg, level_pg, rtol=0.05)


@pytest.mark.parametrize("noise_nm", [5.0, 20.0])
def test_noise_of_pixels_is_not_made_worse_by_the_choice_of_the_region(noise_nm):
    """Noise over the true outline has a sd, the rim below the threshold is lost; a choice made on the same
    noise may add as much as the noise itself."""
    rng = np.random.default_rng(3)
    errors = []
    for _ in range(8):
        noisy_nm = bumps_nm() + noise_nm * rng.standard_normal(SHAPE_YX)
        errors.append(region_dry_mass_pg(told(100.0), noisy_nm, PITCH_UM, CONFIG) - true_pg())
    n_px = np.pi * 11.0**2 / PITCH_UM**2
    sd_pg = dry_mass_pg(optical_volume_um3(noise_nm * np.sqrt(n_px), PITCH_UM))
    rim_pg = true_pg() * (CONFIG.threshold_nm / np.array([90.0, 70.0, 120.0])) ** 2
    assert np.sqrt(np.mean(np.square(errors))) < np.hypot(2 * sd_pg, np.sqrt(np.mean(rim_pg**2)))


def test_where_both_agree_the_integral_has_its_share():
    region_pg = region_dry_mass_pg(told(100.0), bumps_nm(), PITCH_UM, CONFIG)
    cells = told(1.05 * region_pg)
    found_pg = weigh_integrals(cells, bumps_nm(), PITCH_UM, CONFIG)["dry_mass_pg"].to_numpy()
    share = CONFIG.integral_share / (1 + (np.log(1.05) / DISAGREEMENT) ** 4)
    np.testing.assert_allclose(found_pg, region_pg * (share + 1.05 * (1 - share)), rtol=1e-12)


def test_where_they_disagree_the_network_decides():
    region_pg = region_dry_mass_pg(told(100.0), bumps_nm(), PITCH_UM, CONFIG)
    for factor in (1 / 4, 4.0):
        cells = told(factor * region_pg)
        found_pg = weigh_integrals(cells, bumps_nm(), PITCH_UM, CONFIG)["dry_mass_pg"].to_numpy()
        np.testing.assert_allclose(found_pg, cells["dry_mass_pg"], rtol=0.01)


def test_a_cell_that_is_not_in_the_map_keeps_what_the_network_says():
    cells = told(100.0).assign(y_um=190.0, x_um=[20.0, 60.0, 100.0])
    found = weigh_integrals(cells, bumps_nm(), PITCH_UM, CONFIG)
    np.testing.assert_allclose(found["dry_mass_pg"], 100.0, rtol=1e-3)


def test_without_a_share_and_without_cells_nothing_changes():
    cells = told(100.0)
    alone = CONFIG.model_copy(update={"integral_share": 0.0})
    assert weigh_integrals(cells, bumps_nm(), PITCH_UM, alone) is cells
    assert weigh_integrals(cells.iloc[:0], bumps_nm(), PITCH_UM, CONFIG).empty


def test_only_dry_mass_differs_from_what_the_maxima_say():
    maps = draw_representation(told(true_pg()), SHAPE_YX, PITCH_UM)
    peaks = find_peaks(maps, PITCH_UM, CONFIG)
    cells = find_cells(maps, bumps_nm(), PITCH_UM, CONFIG)
    others = [name for name in peaks.columns if name != "dry_mass_pg"]
    pd.testing.assert_frame_equal(cells[others], peaks[others])
    assert (cells["dry_mass_pg"] != peaks["dry_mass_pg"]).all()
    np.testing.assert_allclose(np.sort(cells["dry_mass_pg"]), np.sort(true_pg()), rtol=0.04)


@pytest.mark.parametrize("alpha", [0.15, 0.21])
def test_another_alpha_scales_dry_mass_and_loses_no_cell(alpha):
    maps = draw_representation(told(true_pg()), SHAPE_YX, PITCH_UM)
    # the lightest cell is just heavy enough at the usual alpha, and so it must be at another
    least_pg = 0.98 * true_pg().min()
    usual = CONFIG.model_copy(update={"min_dry_mass_pg": least_pg})
    gain = SPECIFIC_REFRACTION_INCREMENT_UM3_PER_PG / alpha
    other = usual.model_copy(
        update={"specific_refraction_increment_um3_per_pg": alpha, "min_dry_mass_pg": gain * least_pg}
    )
    before, after = (find_cells(maps, bumps_nm(), PITCH_UM, config) for config in (usual, other))
    assert len(before) == len(CENTRES_UM)
    np.testing.assert_allclose(after["dry_mass_pg"], gain * before["dry_mass_pg"], rtol=1e-6)
    assert (
        as_learnt(other).specific_refraction_increment_um3_per_pg == SPECIFIC_REFRACTION_INCREMENT_UM3_PER_PG
    )
