import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter
from scipy.optimize import linear_sum_assignment

from lensfree.cells.peaks import find_peaks
from lensfree.cells.representation import MEASURES, draw_representation
from lensfree.config import QuantifyConfig

SHAPE_YX = (130, 190)
PITCH_UM = 1.67
CONFIG = QuantifyConfig()
COLUMNS = ["y_um", "x_um", *MEASURES, "touches_border"]


def cells_at(centres_um, rng=None):
    """Cells whose measures differ widely, or are all alike without a generator."""
    n = len(centres_um)
    table = pd.DataFrame(np.array(centres_um, float).reshape(-1, 2), columns=["y_um", "x_um"])
    ranges = {
        "dry_mass_pg": (40, 400),
        "area_um2": (150, 1000),
        "max_opd_nm": (30, 600),
        "length_um": (14, 70),
    }
    for name, (low, high) in ranges.items():
        table[name] = rng.uniform(low, high, n) if rng else float((low + high) / 2)
    return table


def scattered(rng, count, apart_um, shape_yx, pitch_um):
    """Centres anywhere in the field, borders included, no two nearer than `apart_um`."""
    size_um = np.array(shape_yx) * pitch_um
    centres_um = np.empty((0, 2))
    while len(centres_um) < count:
        trial_um = rng.uniform(-pitch_um / 2, size_um - pitch_um / 2)
        if (np.hypot(*(centres_um - trial_um).T) >= apart_um).all():
            centres_um = np.vstack([centres_um, trial_um])
    return centres_um


def crowded_maps(count, apart_um, field_um, pitch_um, is_noisy):
    """Maps of crowded cells, touching and cut by the border; noisy: as textured as a network's answer."""
    rng = np.random.default_rng(11)
    shape_yx = tuple(round(side / pitch_um) for side in field_um)
    cells = cells_at(scattered(rng, count, apart_um, shape_yx, pitch_um), rng)
    maps = draw_representation(cells, shape_yx, pitch_um)
    return (maps + rng.normal(0, 0.05, maps.shape)).astype(np.float32) if is_noisy else maps


def matched(found, cells):
    """Return `found` in the order of `cells`, and the distances; each cell has its own."""
    distance_um = np.hypot(
        found.y_um.to_numpy() - cells.y_um.to_numpy()[:, None],
        found.x_um.to_numpy() - cells.x_um.to_numpy()[:, None],
    )
    rows, columns = linear_sum_assignment(distance_um)
    return found.iloc[columns].reset_index(drop=True), distance_um[rows, columns]


@pytest.mark.parametrize("apart_um", [13.0, 10.0, 8.5])
@pytest.mark.parametrize("pitch_um", [0.8, 1.67])
def test_finding_inverts_drawing(pitch_um, apart_um):
    """Scattered cells, also touching and at the border: as many, at their place, with their values."""
    rng = np.random.default_rng(7)
    shape_yx = (round(200 / pitch_um), round(300 / pitch_um))
    cells = cells_at(scattered(rng, 60, apart_um, shape_yx, pitch_um), rng)
    found = find_peaks(draw_representation(cells, shape_yx, pitch_um), pitch_um, CONFIG)
    assert list(found.columns) == COLUMNS and len(found) == len(cells)
    found, distance_um = matched(found, cells)
    assert distance_um.max() < pitch_um / 2 and np.median(distance_um) < 0.15 * pitch_um
    for name in MEASURES:
        np.testing.assert_allclose(found[name], cells[name], rtol=1e-6)


@pytest.mark.parametrize("dy,dx", [(0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.5, 0.5), (0.25, 0.75)])
def test_a_flat_disc_is_one_peak_at_its_centre(dy, dx):
    """Between pixels the filtered disc has a plateau of two or four equal maxima."""
    cells = cells_at([((30 + dy) * PITCH_UM, (41 + dx) * PITCH_UM)])
    found = find_peaks(draw_representation(cells, SHAPE_YX, PITCH_UM), PITCH_UM, CONFIG)
    assert len(found) == 1
    is_symmetric = {dy, dx} <= {0.0, 0.5}
    np.testing.assert_allclose(
        found[["y_um", "x_um"]], cells[["y_um", "x_um"]], atol=1e-9 if is_symmetric else 0.25 * PITCH_UM
    )


def test_equal_discs_that_touch_are_as_many_as_they_are():
    cells = cells_at([(40.0, 60.0), (40.0, 68.5), (48.0, 64.0), (100.0, 200.0), (108.0, 200.0)])
    found = find_peaks(draw_representation(cells, SHAPE_YX, PITCH_UM), PITCH_UM, CONFIG)
    assert len(found) == 5
    assert matched(found, cells)[1].max() < PITCH_UM / 2


def test_a_weak_disc_beside_a_strong_one_is_found_with_its_own_values():
    cells = cells_at([(40.0, 60.0), (40.0, 68.0)])
    cells["dry_mass_pg"] = [160.0, 600.0]
    cells["max_opd_nm"] = [30.0, 900.0]
    cells["area_um2"] = [200.0, 900.0]
    cells["length_um"] = [16.0, 60.0]
    found = find_peaks(draw_representation(cells, SHAPE_YX, PITCH_UM), PITCH_UM, CONFIG)
    np.testing.assert_allclose(matched(found, cells)[0][list(MEASURES)], cells[list(MEASURES)], rtol=1e-6)


def test_the_blurred_rim_of_a_strong_disc_is_no_cell():
    """Two strong discs, and between them rims of a tenth of their value, as a network blurs them."""
    cells = cells_at([(60.0, 100.0), (60.0, 114.0)])
    cells["dry_mass_pg"] = 600.0
    maps = draw_representation(cells, SHAPE_YX, PITCH_UM)
    y, x = np.indices(SHAPE_YX) * PITCH_UM
    is_rim = (np.hypot(y - 67.0, x - 107.0) < 4.0) & (maps[0] == 0)
    maps[:, is_rim] = 0.1 * maps.max(axis=(1, 2))[:, None]
    assert maps[0][is_rim].min() > CONFIG.min_dry_mass_pg / 200
    assert len(find_peaks(maps, PITCH_UM, CONFIG)) == 2


def test_a_disc_cut_by_the_corner_is_at_its_own_centre():
    cells = cells_at([(0.3, 0.5), (129 * PITCH_UM, 189 * PITCH_UM), (60.0, 0.0)])
    found = find_peaks(draw_representation(cells, SHAPE_YX, PITCH_UM), PITCH_UM, CONFIG)
    assert len(found) == 3
    assert matched(found, cells)[1].max() < PITCH_UM / 2


def test_a_disc_centred_outside_the_field_is_left_to_the_neighbouring_field():
    cells = cells_at([(-3.5, 60.0), (60.0, 100.0)])
    found = find_peaks(draw_representation(cells, SHAPE_YX, PITCH_UM), PITCH_UM, CONFIG)
    assert len(found) == 1 and found.y_um[0] == pytest.approx(60.0, abs=0.5)


def test_a_cell_touches_the_border_when_its_disc_does():
    """Pixels end half a pixel beyond their centres: the field is 217.1 um high and 317.3 um wide."""
    bottom_um, right_um = (n * PITCH_UM - PITCH_UM / 2 for n in SHAPE_YX)
    cells = cells_at(
        [(2.0, 60.0), (bottom_um - 3.5, 60.0), (60.0, 2.5), (60.0, right_um - 3.0)]
        + [(6.5, 120.0), (bottom_um - 7.0, 120.0), (120.0, 6.5), (120.0, right_um - 7.0), (90.0, 150.0)]
    )
    found = find_peaks(draw_representation(cells, SHAPE_YX, PITCH_UM), PITCH_UM, CONFIG)
    assert len(found) == 9
    assert matched(found, cells)[0]["touches_border"].tolist() == [True] * 4 + [False] * 5


@pytest.mark.parametrize(("disc_um", "expected"), [(9.9, False), (10.0, False), (10.1, True)])
def test_a_disc_that_ends_at_the_border_does_not_touch_it(disc_um, expected):
    """At a pitch of 1 um the field begins 0.5 um above the centres of its first row."""
    cells = cells_at([(4.5, 60.0)])
    maps = draw_representation(cells, (90, 130), 1.0)
    found = find_peaks(maps, 1.0, CONFIG.model_copy(update={"disc_diameter_um": disc_um}))
    assert found.y_um.tolist() == pytest.approx([4.5], abs=1e-9)
    assert found["touches_border"].tolist() == [expected]


def test_cells_of_one_height_are_listed_from_left_to_right():
    cells = cells_at([(60.0 * PITCH_UM, x * PITCH_UM) for x in (150.0, 20.0, 90.5, 50.5)])
    found = find_peaks(draw_representation(cells, SHAPE_YX, PITCH_UM), PITCH_UM, CONFIG)
    np.testing.assert_allclose(found.x_um / PITCH_UM, [20.0, 50.5, 90.5, 150.0], atol=1e-9)


def test_two_cells_nearer_than_the_least_distance_are_one():
    cells = cells_at([(60.0, 100.0), (60.0, 104.0)])
    assert len(find_peaks(draw_representation(cells, SHAPE_YX, PITCH_UM), PITCH_UM, CONFIG)) == 1


def test_cells_below_the_least_dry_mass_are_dropped():
    cells = cells_at([(60.0, 100.0), (90.0, 60.0)])
    cells["dry_mass_pg"] = [CONFIG.min_dry_mass_pg - 1, CONFIG.min_dry_mass_pg + 1]
    found = find_peaks(draw_representation(cells, SHAPE_YX, PITCH_UM), PITCH_UM, CONFIG)
    assert found.dry_mass_pg.tolist() == pytest.approx([CONFIG.min_dry_mass_pg + 1])


def test_blurred_noisy_maps_give_the_same_cells():
    """What a network predicts: rims blurred by a pixel, texture of 5 %."""
    rng = np.random.default_rng(3)
    cells = cells_at(scattered(rng, 40, 13.0, SHAPE_YX, PITCH_UM), rng)
    cells["dry_mass_pg"] = np.maximum(cells["dry_mass_pg"], 80.0)
    maps = draw_representation(cells, SHAPE_YX, PITCH_UM)
    maps = gaussian_filter(maps, (0, 0.8, 0.8)) + rng.normal(0, 0.05, maps.shape)
    found = find_peaks(maps.astype(np.float32), PITCH_UM, CONFIG)
    assert len(found) == len(cells)
    found, distance_um = matched(found, cells)
    assert distance_um.max() < 2.0
    assert np.corrcoef(found.dry_mass_pg, cells.dry_mass_pg)[0, 1] > 0.99


@pytest.mark.parametrize("level", [0.0, -0.3, 0.05])
def test_an_empty_field_has_no_cells_but_the_columns(level):
    found = find_peaks(np.full((4, *SHAPE_YX), level, np.float32), PITCH_UM, CONFIG)
    assert len(found) == 0 and list(found.columns) == COLUMNS
    assert found.dtypes.tolist() == [np.dtype(float)] * 6 + [np.dtype(bool)]


def test_nan_is_refused_with_its_place():
    maps = np.zeros((4, *SHAPE_YX), np.float32)
    maps[2, 5, 9] = np.nan
    with pytest.raises(
        ValueError, match=r"1 values that are not finite, first at \(map, y, x\) = \(2, 5, 9\)"
    ):
        find_peaks(maps, PITCH_UM, CONFIG)


def test_maps_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"shape \(3, 130, 190\), expected \(4, y, x\)"):
        find_peaks(np.zeros((3, *SHAPE_YX)), PITCH_UM, CONFIG)
