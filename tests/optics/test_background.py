"""The background is what is there without cells."""

import numpy as np
import pytest

from lensfree.optics.background import (
    fill_dark,
    level_background,
    mean_background,
    smooth_background,
    temporal_median,
)

SHAPE = (2, 200, 300)


def light() -> np.ndarray:
    y, x = np.mgrid[-1 : 1 : SHAPE[1] * 1j, -1 : 1 : SHAPE[2] * 1j]
    return np.stack([150 - 20 * (x**2 + y**2), 120 + 10 * x - 15 * y])


def test_the_median_forgets_cells_that_move():
    frames = [light() for _ in range(7)]
    for index, frame in enumerate(frames):
        frame[:, 20 * index : 20 * index + 30, 40:90] = 30
    np.testing.assert_allclose(temporal_median(frames), light(), rtol=1e-6)


def test_the_mean_does_not_forget_them():
    frames = [light(), light() * 0.5]
    np.testing.assert_allclose(mean_background(iter(frames)), light() * 0.75, rtol=1e-6)


@pytest.mark.parametrize("pixel_pitch_um", [1.67, 20.0])
def test_smoothing_keeps_the_light_and_removes_the_fringes(pixel_pitch_um):
    fringes = 1 + 0.2 * np.sin(np.arange(SHAPE[2]) * 0.9)
    smooth_um = 12 * pixel_pitch_um
    found = smooth_background(light() * fringes, smooth_um=smooth_um, pixel_pitch_um=pixel_pitch_um)
    inner = (slice(None), slice(50, -50), slice(50, -50))
    np.testing.assert_allclose(found[inner], light()[inner], rtol=0.01)


def test_smoothing_does_not_move_the_light():
    spot = np.zeros((1, 201, 301))
    spot[0, 60, 190] = 1e6
    found = smooth_background(spot, smooth_um=40.0, pixel_pitch_um=2.0)[0]
    y, x = (np.average(np.indices(found.shape)[axis], weights=found) for axis in range(2))
    assert (y, x) == pytest.approx((60, 190), abs=1.5)


def test_one_level_per_channel():
    found = level_background(light())
    assert np.unique(found[0]).size == np.unique(found[1]).size == 1
    assert found[0, 0, 0] == pytest.approx(np.median(light()[0]))


def test_dark_pixels_do_not_divide():
    image = light()
    image[0, 3, 4] = 0
    filled, n_dark = fill_dark(image)
    assert n_dark == 1
    assert filled[0, 3, 4] == pytest.approx(np.median(image[0]))
    assert filled[1, 3, 4] == pytest.approx(image[1, 3, 4], rel=1e-6)


def test_a_dark_channel_is_an_error():
    image = light()
    image[1] = 0
    with pytest.raises(ValueError, match="the background of channel 1 is dark"):
        fill_dark(image)


def test_no_frame_at_all_is_an_error():
    with pytest.raises(ValueError, match="no readable frame to take the background from"):
        mean_background(iter([]))
    with pytest.raises(ValueError, match="no readable frame to take the background from"):
        temporal_median([])
