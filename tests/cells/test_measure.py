import numpy as np
import pytest
from bumps import dome_mass_pg, dome_nm, plateau_nm
from skimage.measure import regionprops

from lensfree.cells.measure import check_opd, measure_cells, measure_regions
from lensfree.cells.pairing import detection, is_inside, pair_cells, regression
from lensfree.cells.representation import MEASURES
from lensfree.config import QuantifyConfig
from lensfree.simulate.population import random_field
from lensfree.simulate.render import render_opd

SHAPE_YX = (120, 170)
PITCH_UM = 1.67
CONFIG = QuantifyConfig()
ALPHA = 0.18
COLUMNS = ["y_um", "x_um", *MEASURES, "touches_border"]


@pytest.mark.parametrize("pitch_um", [1.0, 1.67, 2.2])
def test_the_mass_of_a_lone_bump_is_its_integral_at_any_pitch(pitch_um):
    """On a slope, an offset and noise; the rim below the threshold of 15 nm is what may be missing."""
    rng = np.random.default_rng(1)
    shape_yx = (round(200 / pitch_um), round(284 / pitch_um))
    y, x = np.indices(shape_yx) * pitch_um
    bump_nm = dome_nm(shape_yx, pitch_um, y_um=88.0, x_um=130.0, radius_um=13.0, height_nm=250.0)
    opd_nm = bump_nm + 25 + 0.05 * x - 0.03 * y + rng.normal(0, 2, shape_yx)
    cells = measure_cells(opd_nm.astype(np.float32), pitch_um, CONFIG)
    assert len(cells) == 1
    assert cells.dry_mass_pg[0] == pytest.approx(dome_mass_pg(13.0, 250.0), rel=0.01)
    assert cells.max_opd_nm[0] == pytest.approx(250.0, rel=0.03)
    assert (cells.y_um[0], cells.x_um[0]) == pytest.approx((88.0, 130.0), abs=0.25)


def test_a_flat_ellipse_has_its_area_length_and_height():
    opd_nm = plateau_nm(
        SHAPE_YX, PITCH_UM, y_um=90.0, x_um=150.0, semi_um=(30.0, 12.0), angle_rad=0.7, height_nm=75.0
    )
    cells = measure_cells(opd_nm, PITCH_UM, CONFIG)
    assert len(cells) == 1
    area_um2 = np.pi * 30 * 12
    # A rim of half a pixel belongs to the outline, because the threshold lies below half the height.
    rim_um2 = np.pi * 42 * PITCH_UM / 2
    assert area_um2 - 20 < cells.area_um2[0] < area_um2 + 1.5 * rim_um2
    assert cells.length_um[0] == pytest.approx(60.0, abs=PITCH_UM)
    assert cells.max_opd_nm[0] == pytest.approx(75.0, abs=0.5)
    assert cells.dry_mass_pg[0] == pytest.approx(area_um2 * 75 / 1000 / ALPHA, rel=0.01)


def test_alpha_divides_the_mass():
    opd_nm = dome_nm(SHAPE_YX, PITCH_UM, y_um=90.0, x_um=150.0, radius_um=13.0, height_nm=250.0)
    one = measure_cells(opd_nm, PITCH_UM, CONFIG)
    other = measure_cells(
        opd_nm, PITCH_UM, QuantifyConfig(specific_refraction_increment_um3_per_pg=2 * ALPHA)
    )
    assert other.dry_mass_pg[0] == pytest.approx(one.dry_mass_pg[0] / 2)


def test_regions_are_measured_as_scikit_image_measures_them():
    rng = np.random.default_rng(3)
    labels = np.zeros(SHAPE_YX, np.int32)
    labels[5:30, 10:22] = 1
    labels[40:90, 60:64] = 2
    labels[100:119, 120:169][rng.random((19, 49)) < 0.6] = 4  # 3 has no pixels
    above_nm = rng.uniform(10, 90, SHAPE_YX)
    cells = measure_regions(above_nm, labels, PITCH_UM, ALPHA)
    assert list(cells.columns) == COLUMNS and len(cells) == 3
    for row, region in zip(cells.itertuples(), regionprops(labels, above_nm), strict=True):
        assert (row.y_um, row.x_um) == pytest.approx(tuple(np.array(region.centroid) * PITCH_UM))
        assert row.area_um2 == pytest.approx(region.area * PITCH_UM**2)
        assert row.length_um == pytest.approx(region.axis_major_length * PITCH_UM)
        total_um3 = above_nm[labels == region.label].sum() / 1000 * PITCH_UM**2
        assert row.dry_mass_pg == pytest.approx(total_um3 / ALPHA)


def test_a_field_and_its_transpose_have_the_same_cells():
    rng = np.random.default_rng(4)
    opd_nm = sum(
        dome_nm(SHAPE_YX, PITCH_UM, y_um=y_um, x_um=x_um, radius_um=12.0, height_nm=150.0)
        for y_um, x_um in ((40.0, 50.0), (150.0, 90.0), (90.0, 220.0))
    ) + rng.normal(0, 2, SHAPE_YX)
    cells = measure_cells(opd_nm, PITCH_UM, CONFIG)
    turned = measure_cells(opd_nm.T, PITCH_UM, CONFIG).sort_values("x_um", ignore_index=True)
    assert len(cells) == 3
    np.testing.assert_allclose(cells[["y_um", "x_um"]], turned[["x_um", "y_um"]], atol=1e-6)
    np.testing.assert_allclose(cells[list(MEASURES)], turned[list(MEASURES)], rtol=1e-4)


def test_weak_cells_are_dropped():
    opd_nm = dome_nm(SHAPE_YX, PITCH_UM, y_um=90.0, x_um=150.0, radius_um=7.0, height_nm=60.0)
    assert dome_mass_pg(7.0, 60.0) < CONFIG.min_dry_mass_pg
    assert len(measure_cells(opd_nm, PITCH_UM, CONFIG)) == 0
    assert len(measure_cells(opd_nm, PITCH_UM, QuantifyConfig(min_dry_mass_pg=10.0))) == 1


@pytest.mark.parametrize("level_nm", [0.0, 300.0, -300.0])
@pytest.mark.parametrize("noise_nm", [0.0, 3.0])
def test_a_field_without_cells_gives_an_empty_table(level_nm, noise_nm):
    rng = np.random.default_rng(5)
    cells = measure_cells(level_nm + noise_nm * rng.normal(size=SHAPE_YX), PITCH_UM, CONFIG)
    assert len(cells) == 0 and list(cells.columns) == COLUMNS
    assert cells.dtypes.tolist() == [np.dtype(float)] * 6 + [np.dtype(bool)]


def test_nan_is_refused_with_its_place():
    opd_nm = np.zeros(SHAPE_YX)
    opd_nm[3, 7] = np.nan
    with pytest.raises(ValueError, match=r"1 values that are not finite, first at \(y, x\) = \(3, 7\)"):
        measure_cells(opd_nm, PITCH_UM, CONFIG)


def test_a_stack_is_refused():
    with pytest.raises(ValueError, match=r"shape \(2, 5, 6\), expected \(y, x\); pass one frame"):
        check_opd(np.zeros((2, 5, 6)))


@pytest.mark.parametrize("cells_per_mm2", [183, 527])
def test_simulated_fields_are_measured_near_their_truth(cells_per_mm2):
    """True OPD and 2 nm of noise: what is left is the pipeline's own error."""
    rng = np.random.default_rng([61, cells_per_mm2])
    shape_yx, shape_um = (240, 340), (240 * PITCH_UM, 340 * PITCH_UM)
    truth = random_field(rng, shape_yx, PITCH_UM, cells_per_mm2)
    opd_nm = render_opd(truth, shape_yx, PITCH_UM) + rng.normal(0, 2, shape_yx)
    cells = measure_cells(opd_nm, PITCH_UM, CONFIG)
    pairs = pair_cells(cells, truth)
    counted = detection(cells, truth, pairs, shape_um, border_um=20.0)
    assert counted.n_true > 20
    assert counted.precision >= 0.97 and counted.recall >= 0.97
    inside = pairs[is_inside(truth, shape_um, 20.0)[pairs[:, 1]]]
    found, true = cells.iloc[inside[:, 0]], truth.iloc[inside[:, 1]]
    line = regression(found.dry_mass_pg.to_numpy(), true.dry_mass_pg.to_numpy())
    assert line.r2 >= 0.95 and 0.95 < line.slope < 1.05 and line.error_mad < 3
    for name in MEASURES[1:]:
        assert regression(found[name].to_numpy(), true[name].to_numpy()).r2 >= 0.9, name
