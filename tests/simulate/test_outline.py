"""Outlines have exactly the area and axes they were asked for, and crawl instead of jumping."""

import numpy as np
import pytest
from skimage.draw import polygon2mask
from skimage.measure import regionprops

from lensfree.simulate.outline import (
    N_ANGLES,
    fit_outline,
    radial_moments,
    shortest_length_um,
    unit_radii,
)

SHAPE = dict(shape_seed=7, shape_time_h=3.0, roundness=0.0)


def test_moments_of_a_circle_are_those_of_a_disc():
    area, centroid, second = radial_moments(np.full(N_ANGLES, 2.0))
    # The inscribed polygon of 96 corners lacks 0.07 % of the disc's area.
    assert area == pytest.approx(4 * np.pi, rel=1e-3)
    np.testing.assert_allclose(centroid, 0, atol=1e-12)
    np.testing.assert_allclose(second, np.eye(2), rtol=2e-3, atol=1e-12)


@pytest.mark.parametrize("angle_rad", [0.0, 0.6, 2.4])
def test_drawn_outline_has_the_area_axes_and_direction_that_scikit_image_measures(angle_rad):
    outline = fit_outline(**SHAPE, area_um2=600.0, length_um=44.0, angle_rad=angle_rad)
    turns = 2 * np.pi * np.arange(N_ANGLES) / N_ANGLES
    unit_xy = outline.radii[:, None] * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    xy = unit_xy @ outline.to_plane.T + outline.centre_xy_um
    px_per_um = 10
    corners_yx = xy[:, ::-1] * px_per_um + np.array([300, 320])
    region = regionprops(polygon2mask((600, 640), corners_yx).astype(np.uint8))[0]
    assert region.area / px_per_um**2 == pytest.approx(600.0, rel=2e-3)
    assert region.axis_major_length / px_per_um == pytest.approx(44.0, rel=2e-3)
    assert region.axis_minor_length / px_per_um == pytest.approx(outline.width_um, rel=2e-3)
    np.testing.assert_allclose(np.array(region.centroid) / px_per_um, [30.0, 32.0], atol=0.05)
    # scikit-image measures the angle from the rows' axis; ours goes from x towards y.
    is_along = np.cos(2 * (np.pi / 2 - region.orientation - angle_rad))
    assert is_along == pytest.approx(1.0, abs=1e-3)


def test_a_rounded_cell_is_a_circle_and_a_flat_one_is_not():
    np.testing.assert_allclose(unit_radii(7, 3.0, 1.0), 1.0)
    assert unit_radii(7, 3.0, 0.0).std() > 0.03


def test_outline_changes_smoothly_in_time_and_belongs_to_its_seed():
    frames_h = np.arange(0, 30, 1 / 6)
    radii = np.array([unit_radii(7, time_h, 0.0) for time_h in frames_h])
    assert np.abs(np.diff(radii, axis=0)).max() < 0.05
    assert np.abs(radii[-1] - radii[0]).max() > 0.1
    np.testing.assert_array_equal(unit_radii(7, 3.0, 0.0), unit_radii(7, 3.0, 0.0))
    assert np.abs(unit_radii(8, 3.0, 0.0) - unit_radii(7, 3.0, 0.0)).max() > 0.05


def test_at_the_shortest_length_both_axes_are_equal():
    shortest = shortest_length_um(7, 3.0, 0.0, 600.0)
    outline = fit_outline(**SHAPE, area_um2=600.0, length_um=shortest, angle_rad=0.3)
    assert outline.width_um == pytest.approx(shortest, rel=1e-9)


def test_a_length_that_the_area_forbids_is_refused_with_the_least_possible_one():
    shortest = shortest_length_um(7, 3.0, 0.0, 600.0)
    with pytest.raises(
        ValueError, match=rf"length_um=20.00 is too short for area_um2=600.0.*at least {shortest:.2f}"
    ):
        fit_outline(**SHAPE, area_um2=600.0, length_um=20.0, angle_rad=0.0)
