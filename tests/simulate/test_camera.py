"""Illumination and camera: noise as from light, whole grey levels, no wrap at the top."""

import numpy as np
import pytest

from lensfree.simulate.camera import add_camera, illumination

SHAPE = (3, 120, 200)


def shoot(intensity, seed=0, **changes):
    settings = dict(background=1.0, noise=0.01, open_beam_counts=30000, bits=16) | changes
    return add_camera(intensity, rng=np.random.default_rng(seed), **settings)


@pytest.mark.parametrize("light", [0.25, 1.0])
def test_noise_grows_with_the_root_of_the_light(light):
    counts = shoot(np.full(SHAPE, light, np.float32)).astype(float)
    assert counts.mean() == pytest.approx(30000 * light, rel=1e-3)
    assert counts.std() == pytest.approx(30000 * 0.01 * light**0.5, rel=0.02)


@pytest.mark.parametrize(("bits", "dtype"), [(8, np.uint8), (16, np.uint16)])
def test_counts_are_whole_and_clipped_to_the_depth(bits, dtype):
    open_beam = 140 if bits == 8 else 30000
    bright = np.full(SHAPE, 10.0, np.float32)
    counts = shoot(bright, bits=bits, open_beam_counts=open_beam)
    assert counts.dtype == dtype
    assert counts.min() == counts.max() == 2**bits - 1
    assert shoot(np.zeros(SHAPE, np.float32), bits=bits).max() == 0


def test_without_noise_counts_are_the_rounded_light():
    light = np.linspace(0, 1.5, 2 * 3 * 5, dtype=np.float32).reshape(2, 3, 5)
    counts = shoot(light, noise=0.0, open_beam_counts=140, bits=8)
    np.testing.assert_array_equal(counts, np.rint(140 * light.astype(float)).astype(int))


def test_the_background_multiplies_the_light():
    background = np.linspace(0.8, 1.2, 200, dtype=np.float32)[None, None, :]
    counts = shoot(np.ones(SHAPE, np.float32), background=background, noise=0.0)
    np.testing.assert_allclose(counts[0, 0], 30000 * background[0, 0], atol=1)


def test_seeds_decide_about_noise():
    light = np.ones(SHAPE, np.float32)
    np.testing.assert_array_equal(shoot(light, seed=1), shoot(light, seed=1))
    assert (shoot(light, seed=1) != shoot(light, seed=2)).mean() > 0.9


def test_other_depths_are_refused():
    with pytest.raises(ValueError, match="bits=12 is not a depth .* expected 8 or 16"):
        shoot(np.ones(SHAPE, np.float32), bits=12)


def test_illumination_has_mean_one_and_structure_of_its_own_in_each_colour():
    beam = illumination((150, 230), np.random.default_rng(4), 0.1, n_channels=3)
    assert beam.shape == (3, 150, 230) and beam.dtype == np.float32
    np.testing.assert_allclose(beam.mean(axis=(1, 2)), 1.0, atol=1e-5)
    assert (beam.std(axis=(1, 2)) > 0.01).all()
    assert beam.min() > 0.7 and beam.max() < 1.3
    assert np.abs(beam[0] - beam[1]).max() > 0.01


def test_illumination_of_no_amplitude_is_even():
    np.testing.assert_array_equal(illumination((40, 50), np.random.default_rng(4), 0.0, n_channels=2), 1.0)
