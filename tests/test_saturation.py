"""Saturated pixels are told from bright ones."""

import numpy as np
import pytest

from lensfree.saturation import saturated_pixels


def image(top, dtype, seed=0):
    counts = np.random.default_rng(seed).integers(10, top, (2, 20, 31)).astype(dtype)
    counts[0, 3:5, 7] = top
    counts[1, 3:5, 7] = top - 1
    return counts


@pytest.mark.parametrize(
    ("top", "dtype"), [(255, "uint8"), (1023, "uint16"), (4095, "uint16"), (65535, "uint16")]
)
def test_pixels_at_the_full_scale_of_a_camera_are_saturated(top, dtype):
    saturated = saturated_pixels(image(top, dtype))
    assert saturated.shape == (2, 20, 31)
    np.testing.assert_array_equal(np.argwhere(saturated), [(0, 3, 7), (0, 4, 7)])


@pytest.mark.parametrize(("top", "dtype"), [(254, "uint8"), (5000, "uint16"), (255, "uint16")])
def test_the_brightest_pixel_of_an_image_within_its_range_is_not(top, dtype):
    assert not saturated_pixels(image(top, dtype)).any()
