"""Rendered cells carry exactly their dry mass and maximum, whatever the grid, the shape or the border."""

import numpy as np
import pandas as pd
import pytest
from skimage.measure import regionprops

from lensfree.simulate.population import random_field
from lensfree.simulate.render import render_absorption, render_labels, render_opd, render_sample
from lensfree.units import dry_mass_pg, optical_volume_um3

PITCH_UM = 1.67
SHAPE_YX = (72, 90)


def one_cell(**changes) -> pd.DataFrame:
    row = dict(
        y_um=60.3,
        x_um=75.9,
        dry_mass_pg=190.0,
        area_um2=600.0,
        max_opd_nm=78.0,
        length_um=42.0,
        angle_rad=0.7,
        roundness=0.0,
        nuclei=1,
        shape_seed=11,
        shape_time_h=2.0,
    )
    return pd.DataFrame([{**row, **changes}])


ROUND = dict(area_um2=165.0, max_opd_nm=620.0, dry_mass_pg=272.0, length_um=15.0, roundness=1.0)
HALF_ROUND = dict(area_um2=300.0, max_opd_nm=250.0, dry_mass_pg=255.0, length_um=22.0, roundness=0.5)
TWO_NUCLEI = dict(area_um2=900.0, max_opd_nm=90.0, dry_mass_pg=330.0, length_um=55.0, nuclei=2)


@pytest.mark.parametrize("oversampling", [1, 2])
@pytest.mark.parametrize("changes", [{}, ROUND, HALF_ROUND, TWO_NUCLEI], ids=["flat", "round", "half", "two"])
def test_a_cell_has_exactly_its_dry_mass_and_its_maximum(changes, oversampling):
    cells = one_cell(**changes)
    opd_nm = render_opd(cells, SHAPE_YX, PITCH_UM, oversampling)
    assert opd_nm.dtype == np.float32
    assert opd_nm.shape == (SHAPE_YX[0] * oversampling, SHAPE_YX[1] * oversampling)
    total = dry_mass_pg(optical_volume_um3(opd_nm.sum(dtype=float), PITCH_UM / oversampling))
    assert total == pytest.approx(cells["dry_mass_pg"][0], rel=1e-6)
    assert opd_nm.max() == pytest.approx(cells["max_opd_nm"][0], rel=1e-6)
    assert opd_nm.min() == 0.0


def test_every_cell_of_a_random_field_has_its_dry_mass_and_its_maximum():
    cells = random_field(np.random.default_rng(3), (150, 190), PITCH_UM, 300.0, round_fraction=0.2)
    assert len(cells) > 25
    for row in range(len(cells)):
        cell = cells.iloc[[row]].assign(y_um=85.0, x_um=95.0)
        opd_nm = render_opd(cell, (100, 114), PITCH_UM)
        total = dry_mass_pg(optical_volume_um3(opd_nm.sum(dtype=float), PITCH_UM))
        assert total == pytest.approx(cell["dry_mass_pg"].iloc[0], rel=1e-6)
        assert opd_nm.max() == pytest.approx(cell["max_opd_nm"].iloc[0], rel=1e-6)


def test_blocks_of_the_fine_map_average_to_the_sensors_and_stay_in_place():
    cells = one_cell()
    fine = render_opd(cells, SHAPE_YX, PITCH_UM, 2).astype(float)
    binned = fine.reshape(SHAPE_YX[0], 2, SHAPE_YX[1], 2).mean(axis=(1, 3))
    coarse = render_opd(cells, SHAPE_YX, PITCH_UM).astype(float)
    assert binned.sum() == pytest.approx(coarse.sum(), rel=1e-6)
    y, x = np.mgrid[: SHAPE_YX[0], : SHAPE_YX[1]]
    for grid in (y, x):
        assert (grid * binned).sum() / binned.sum() == pytest.approx(
            (grid * coarse).sum() / coarse.sum(), abs=0.02
        )


def test_moving_a_cell_by_whole_pixels_moves_its_picture_and_nothing_else():
    here = render_opd(one_cell(), SHAPE_YX, PITCH_UM)
    there = render_opd(one_cell(y_um=60.3 + 3 * PITCH_UM, x_um=75.9 - 2 * PITCH_UM), SHAPE_YX, PITCH_UM)
    np.testing.assert_allclose(there, np.roll(here, (3, -2), axis=(0, 1)), atol=1e-3)


def test_overlapping_cells_add_up():
    left, right = one_cell(), one_cell(x_um=90.0, shape_seed=5)
    both = render_opd(pd.concat([left, right], ignore_index=True), SHAPE_YX, PITCH_UM)
    apart = render_opd(left, SHAPE_YX, PITCH_UM) + render_opd(right, SHAPE_YX, PITCH_UM)
    np.testing.assert_allclose(both, apart, atol=1e-4)


def test_a_cell_on_the_border_is_cut_and_not_squeezed_in():
    whole = render_opd(one_cell(), SHAPE_YX, PITCH_UM)
    row = round(60.3 / PITCH_UM)
    cut = render_opd(one_cell(y_um=60.3 - row * PITCH_UM), SHAPE_YX, PITCH_UM)
    np.testing.assert_allclose(cut[: SHAPE_YX[0] - row], whole[row:], atol=1e-3)


@pytest.mark.parametrize("place", [dict(y_um=-60.0), dict(x_um=400.0)])
def test_a_cell_outside_the_field_leaves_no_trace(place):
    assert not render_opd(one_cell(**place), SHAPE_YX, PITCH_UM).any()
    assert not render_labels(one_cell(**place), SHAPE_YX, PITCH_UM).any()


def test_labels_are_the_outline_with_true_area_length_and_centre():
    fine_um = 0.4
    cells = one_cell(y_um=40.0, x_um=50.0)
    labels = render_labels(cells, (200, 250), fine_um)
    assert labels.dtype == np.int32
    region = regionprops(labels)[0]
    assert region.area * fine_um**2 == pytest.approx(600.0, rel=5e-3)
    assert region.axis_major_length * fine_um == pytest.approx(42.0, rel=5e-3)
    np.testing.assert_allclose(np.array(region.centroid) * fine_um, [40.0, 50.0], atol=0.1)


def test_labels_name_the_row_position_and_give_overlap_to_the_denser_cell():
    cells = pd.concat(
        [one_cell(x_um=30.0), one_cell(y_um=60.3, x_um=90.0), one_cell(**ROUND, x_um=88.0)]
    ).set_axis([40, 41, 42])
    labels = render_labels(cells, SHAPE_YX, PITCH_UM)
    assert set(np.unique(labels)) == {0, 1, 2, 3}
    assert labels[round(60.3 / PITCH_UM), round(88.0 / PITCH_UM)] == 3


def test_absorption_is_weak_and_in_proportion_to_each_cells_opd():
    opd_nm = render_opd(one_cell(), SHAPE_YX, PITCH_UM)
    absorption = render_absorption(one_cell(), SHAPE_YX, PITCH_UM)
    ratio = absorption[opd_nm > 1] / opd_nm[opd_nm > 1]
    assert np.ptp(ratio) < 1e-3 * ratio.mean()
    assert 0.5e-4 <= ratio.mean() <= 1.5e-4


def test_both_maps_at_once_are_those_drawn_alone():
    cells = random_field(np.random.default_rng(4), SHAPE_YX, PITCH_UM, 300.0)
    opd_nm, absorption = render_sample(cells, SHAPE_YX, PITCH_UM, 2)
    np.testing.assert_array_equal(opd_nm, render_opd(cells, SHAPE_YX, PITCH_UM, 2))
    np.testing.assert_array_equal(absorption, render_absorption(cells, SHAPE_YX, PITCH_UM, 2))
    assert absorption.max() > 0


def test_missing_columns_are_named():
    with pytest.raises(ValueError, match=r"lack the columns \['roundness'\]; rendering needs"):
        render_opd(one_cell().drop(columns="roundness"), SHAPE_YX, PITCH_UM)


def test_an_impossible_oversampling_is_refused():
    with pytest.raises(ValueError, match="oversampling=0 must be at least 1"):
        render_opd(one_cell(), SHAPE_YX, PITCH_UM, 0)
