"""The plane through distances, and channels moved along it."""

import numpy as np
import pytest

from lensfree.optics.hologram import Channel
from lensfree.optics.plate import Tilt, fit_plane, moved

PLACES_UM = np.array([(y, x) for y in (-1500.0, 0.0, 1500.0) for x in (-2600.0, 0.0, 2600.0)])
TRUE = Tilt(y_um_per_mm=4.0, x_um_per_mm=-7.0)


def distances_um(noise_um: float = 0.0) -> np.ndarray:
    rise = np.array([TRUE.rise_um(y, x) for y, x in PLACES_UM])
    return 1000.0 + rise + noise_um * np.random.default_rng(3).standard_normal(len(rise))


def test_a_plane_is_found_as_it_is():
    plane = fit_plane(*PLACES_UM.T, distances_um())
    assert plane.z_um == pytest.approx(1000.0)
    assert (plane.tilt.y_um_per_mm, plane.tilt.x_um_per_mm) == pytest.approx((4.0, -7.0))
    assert plane.residual_um == pytest.approx(0, abs=1e-9) and plane.is_kept.all()


def test_the_standard_errors_are_those_of_many_fits():
    rng, n = np.random.default_rng(4), 400
    slopes, said = [], []
    for _ in range(n):
        plane = fit_plane(*PLACES_UM.T, distances_um() + 0.9 * rng.standard_normal(9))
        slopes.append((plane.tilt.y_um_per_mm, plane.tilt.x_um_per_mm))
        said.append((plane.tilt_se.y_um_per_mm, plane.tilt_se.x_um_per_mm))
    rms_said = np.sqrt(np.mean(np.square(said), axis=0))
    np.testing.assert_allclose(np.std(slopes, axis=0), rms_said, rtol=0.15)


@pytest.mark.parametrize("wrong", [np.nan, 940.0, 1100.0])
def test_a_place_that_is_off_does_not_turn_the_plane(wrong):
    found_um = distances_um(0.2)
    found_um[2] = wrong
    plane = fit_plane(*PLACES_UM.T, found_um)
    assert plane.is_kept.sum() == 8 and not plane.is_kept[2]
    assert plane.tilt.y_um_per_mm == pytest.approx(4.0, abs=0.4)
    assert plane.tilt.x_um_per_mm == pytest.approx(-7.0, abs=0.4)


def test_a_bent_plate_is_no_plane_with_outliers():
    bent_um = 1000.0 + (PLACES_UM[:, 1] / 1000) ** 2
    plane = fit_plane(*PLACES_UM.T, bent_um)
    assert plane.is_kept.all() and plane.residual_um > 3


def test_an_axis_that_was_not_tried_has_no_slope():
    x_um = np.array([-900.0, 0.0, 900.0])
    plane = fit_plane(np.zeros(3), x_um, 800.0 + 0.005 * x_um)
    assert plane.tilt.y_um_per_mm == plane.tilt_se.y_um_per_mm == 0
    assert plane.tilt.x_um_per_mm == pytest.approx(5.0)


@pytest.mark.parametrize("left", [3, 2, 0])
def test_too_few_places_are_no_plane(left):
    found_um = distances_um()
    found_um[left:] = np.nan
    assert fit_plane(*PLACES_UM.T, found_um) is None


def test_places_in_a_row_do_not_fix_a_plane():
    found_um = np.where(PLACES_UM[:, 0] == PLACES_UM[:, 1] * 1500 / 2600, distances_um(), np.nan)
    assert np.isfinite(found_um).sum() == 3
    found_um[1] = np.nan
    assert fit_plane(*PLACES_UM.T, found_um) is None


def test_the_span_is_that_between_the_fields_ends():
    assert TRUE.span_um((1000, 2000), 2.0) == pytest.approx((8.0, 28.0))
    assert Tilt().span_um((1000, 2000), 2.0) == (0.0, 0.0)


def test_shifts_grow_with_the_distance():
    near = [Channel(640.0, 1000.0), Channel(450.0, 1000.0, 4.0, -10.0)]
    assert moved(near, 50.0) == [Channel(640.0, 1050.0), Channel(450.0, 1050.0, 4.2, -10.5)]
    assert moved(near, 0.0) == near
