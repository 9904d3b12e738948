import numpy as np
import pytest
from bumps import dome_nm, plateau_nm

from lensfree.cells.segment import covered_by_cells, grow_regions, label_cells
from lensfree.config import QuantifyConfig

SHAPE_YX = (96, 140)
PITCH_UM = 1.67
CONFIG = QuantifyConfig()


def test_an_outline_is_where_the_cell_is():
    shape = dict(y_um=70.0, x_um=110.0, semi_um=(28.0, 11.0), angle_rad=0.6)
    opd_nm = plateau_nm(SHAPE_YX, PITCH_UM, height_nm=80.0, **shape)
    labels = label_cells(opd_nm, PITCH_UM, CONFIG)
    assert labels.dtype == np.int32 and labels.max() == 1
    # The edge is found to a fraction of a pixel: half of 80 nm lies far above the threshold of 15 nm.
    wider = dict(shape, semi_um=(28.0 + PITCH_UM, 11.0 + PITCH_UM))
    assert (labels[opd_nm > 0] == 1).all()
    assert not labels[plateau_nm(SHAPE_YX, PITCH_UM, height_nm=1.0, **wider) == 0].any()


@pytest.mark.parametrize("gap_um", [22.0, 26.0])
def test_two_domes_that_touch_are_two_cells_parted_between_them(gap_um):
    opd_nm = sum(
        dome_nm(SHAPE_YX, PITCH_UM, y_um=70.0, x_um=x_um, radius_um=14.0, height_nm=120.0)
        for x_um in (100.0, 100.0 + gap_um)
    )
    labels = label_cells(opd_nm, PITCH_UM, CONFIG)
    assert labels.max() == 2
    row = labels[round(70 / PITCH_UM)]
    border_px = np.flatnonzero(np.diff(row) & (row[1:] > 0) & (row[:-1] > 0))
    assert (border_px.mean() + 0.5) * PITCH_UM == pytest.approx(100 + gap_um / 2, abs=PITCH_UM)


@pytest.mark.parametrize("noise_nm", [2.0, 10.0])
def test_a_long_flat_cell_is_one_although_it_has_several_seeds(noise_nm):
    """The dips that strong noise makes between its seeds do not part it."""
    opd_nm = plateau_nm(
        SHAPE_YX, PITCH_UM, y_um=80.0, x_um=115.0, semi_um=(55.0, 7.0), angle_rad=0.3, height_nm=60.0
    )
    rng = np.random.default_rng(1)
    labels = label_cells(opd_nm + rng.normal(0, noise_nm, SHAPE_YX), PITCH_UM, CONFIG)
    inside = labels[opd_nm > 0]
    assert (inside == np.bincount(inside).argmax()).mean() > 0.95


def test_a_flat_cell_beside_a_rounded_one_is_found():
    opd_nm = dome_nm(SHAPE_YX, PITCH_UM, y_um=70.0, x_um=80.0, radius_um=9.0, height_nm=700.0)
    opd_nm += plateau_nm(SHAPE_YX, PITCH_UM, y_um=70.0, x_um=100.0, semi_um=(13.0, 10.0), height_nm=60.0)
    labels = label_cells(opd_nm, PITCH_UM, CONFIG)
    assert labels.max() == 2
    assert (
        labels[round(70 / PITCH_UM), round(80 / PITCH_UM)]
        != labels[round(70 / PITCH_UM), round(104 / PITCH_UM)]
    )


def test_two_small_cells_nearer_than_the_detector_reaches_are_both_there():
    """One is stronger and takes the other's maximum; they do not touch, so both are cells."""
    opd_nm = dome_nm(SHAPE_YX, PITCH_UM, y_um=70.0, x_um=80.0, radius_um=6.5, height_nm=700.0)
    opd_nm += dome_nm(SHAPE_YX, PITCH_UM, y_um=70.0, x_um=94.0, radius_um=6.0, height_nm=70.0)
    assert label_cells(opd_nm, PITCH_UM, CONFIG).max() == 2


def test_specks_and_holes_are_no_cells():
    opd_nm = plateau_nm(SHAPE_YX, PITCH_UM, y_um=70.0, x_um=110.0, semi_um=(18.0, 14.0), height_nm=80.0)
    hole = plateau_nm(SHAPE_YX, PITCH_UM, y_um=70.0, x_um=110.0, semi_um=(4.0, 4.0), height_nm=1.0) > 0
    opd_nm[hole] = 0.0
    opd_nm[10:12, 10:13] = 200.0
    labels = label_cells(opd_nm, PITCH_UM, CONFIG)
    assert labels.max() == 1 and (labels[hole] == 1).all() and not labels[:20, :20].any()


@pytest.mark.parametrize("level_nm", [0.0, -30.0])
def test_a_field_without_cells_has_no_labels(level_nm):
    rng = np.random.default_rng(2)
    labels = label_cells(level_nm + rng.normal(0, 3, SHAPE_YX), PITCH_UM, CONFIG)
    assert labels.shape == SHAPE_YX and not labels.any()


@pytest.mark.parametrize("noise_nm", [0.0, 20.0])
def test_what_known_cells_cover_is_where_their_regions_are(noise_nm):
    """A cell nobody knows is not covered, one that is not in the map has its pixel."""
    at_um = np.array([[70.0, 60.0], [70.0, 84.0], [140.0, 210.0]])
    opd_nm = sum(
        dome_nm(SHAPE_YX, PITCH_UM, y_um=y_um, x_um=x_um, radius_um=14.0, height_nm=120.0)
        for y_um, x_um in [*at_um[:2], (110.0, 160.0)]
    )
    opd_nm = opd_nm + noise_nm * np.random.default_rng(2).standard_normal(SHAPE_YX)
    covered = covered_by_cells(opd_nm, at_um, PITCH_UM, CONFIG.threshold_nm)
    regions = grow_regions(opd_nm, at_um, PITCH_UM, CONFIG.threshold_nm)
    assert set(np.unique(regions)) == {0, 1, 2, 3}
    np.testing.assert_array_equal(covered, regions > 0)
    assert not covered[round(110 / PITCH_UM), round(160 / PITCH_UM)]
