import numpy as np
import pandas as pd
import pytest

from lensfree.cells.representation import MEASURES, SCALE, draw_representation

SHAPE_YX = (48, 80)
PITCH_UM = 1.67


def cells_at(*centres_um, dry_mass_pg=None):
    n = len(centres_um)
    table = pd.DataFrame(np.array(centres_um, float).reshape(-1, 2), columns=["y_um", "x_um"])
    table["dry_mass_pg"] = 200.0 if dry_mass_pg is None else dry_mass_pg
    table["area_um2"] = np.linspace(300, 900, n)
    table["max_opd_nm"] = np.linspace(60, 120, n)
    table["length_um"] = np.linspace(20, 60, n)
    return table


def test_a_disc_holds_the_measure_over_its_scale_in_each_map():
    cells = cells_at((40.0, 90.0))
    maps = draw_representation(cells, SHAPE_YX, PITCH_UM)
    assert maps.shape == (4, *SHAPE_YX) and maps.dtype == np.float32
    for plane, name in zip(maps, MEASURES, strict=True):
        assert set(np.unique(plane)) == {0.0, np.float32(cells[name][0] / SCALE[name])}


@pytest.mark.parametrize("pitch_um", [0.4, 1.0, 1.67])
def test_a_disc_is_10_um_wide_at_any_pitch(pitch_um):
    shape_yx = (int(60 / pitch_um), int(90 / pitch_um))
    maps = draw_representation(cells_at((31.3, 47.9)), shape_yx, pitch_um)
    y, x = np.nonzero(maps[0])
    distance_um = np.hypot(y * pitch_um - 31.3, x * pitch_um - 47.9)
    assert distance_um.max() <= 5.0
    assert len(y) * pitch_um**2 == pytest.approx(np.pi * 25, rel=0.6 * pitch_um / 5)
    outside_y, outside_x = np.nonzero(maps[0] == 0)
    assert np.hypot(outside_y * pitch_um - 31.3, outside_x * pitch_um - 47.9).min() > 5.0


def test_where_discs_overlap_a_pixel_belongs_to_the_nearer_centre():
    centres_um = np.array([(40.0, 60.0), (44.0, 66.0), (38.0, 67.0)])
    mass_pg = [100.0, 200.0, 300.0]
    maps = draw_representation(cells_at(*centres_um, dry_mass_pg=mass_pg), SHAPE_YX, PITCH_UM)
    for y in range(SHAPE_YX[0]):
        for x in range(SHAPE_YX[1]):
            distance_um = np.hypot(*(centres_um - np.array([y, x]) * PITCH_UM).T)
            nearest = distance_um.argmin()
            expected = mass_pg[nearest] / 200 if distance_um[nearest] <= 5.0 else 0.0
            assert maps[0, y, x] == pytest.approx(expected), (y, x)


def test_the_order_of_the_rows_does_not_matter():
    cells = cells_at((40.0, 60.0), (44.0, 66.0), (38.0, 67.0), dry_mass_pg=[100.0, 200.0, 300.0])
    np.testing.assert_array_equal(
        draw_representation(cells, SHAPE_YX, PITCH_UM), draw_representation(cells[::-1], SHAPE_YX, PITCH_UM)
    )


def test_a_cell_outside_the_field_reaches_in_as_far_as_its_disc():
    maps = draw_representation(cells_at((-3.0, 60.0), (40.0, -30.0)), SHAPE_YX, PITCH_UM)
    y, x = np.nonzero(maps[0])
    assert y.max() * PITCH_UM <= 2.0
    assert np.abs(x * PITCH_UM - 60.0).max() <= 4.0


def test_no_cells_give_empty_maps():
    maps = draw_representation(cells_at(), SHAPE_YX, PITCH_UM)
    assert maps.shape == (4, *SHAPE_YX) and not maps.any()


def test_a_missing_column_is_named():
    with pytest.raises(ValueError, match=r"missing \['length_um'\]; measure them first"):
        draw_representation(cells_at((40.0, 60.0)).drop(columns="length_um"), SHAPE_YX, PITCH_UM)


def test_a_value_that_is_not_finite_is_refused():
    cells = cells_at((40.0, 60.0), (20.0, 30.0), dry_mass_pg=[np.nan, 1.0])
    with pytest.raises(
        ValueError, match=r"1 values in \['dry_mass_pg'\] that are not finite; drop those rows"
    ):
        draw_representation(cells, SHAPE_YX, PITCH_UM)
