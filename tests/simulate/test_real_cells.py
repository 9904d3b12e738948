"""Mosaics of measured maps: right size, right scale, nothing but what was measured."""

import numpy as np
import pytest

from lensfree.simulate.real_cells import RealCells, block_mean, upsample

LEVEL = 3


@pytest.fixture
def movie():
    """Synthetic grey levels: a background of 3 and one disc of 103 per frame, farther right every frame."""
    y, x = np.indices((60, 90))
    discs = [np.hypot(y - 30, x - 20 - 10 * k) < 8 for k in range(5)]
    return RealCells(np.stack([LEVEL + 100 * disc for disc in discs]).astype(np.uint8))


def test_background_is_zero_and_grey_levels_become_nm(movie):
    opd_nm = movie.frame_nm(0, 2.5)
    assert opd_nm[50, 80] == 0
    assert opd_nm[30, 20] == pytest.approx(250, rel=1e-3)
    assert opd_nm.sum() == pytest.approx(250 * (movie.counts[0] > 50).sum(), rel=1e-5)


def test_the_halves_share_no_pixel(movie):
    left, right = movie.half("left").counts, movie.half("right").counts
    np.testing.assert_array_equal(np.concatenate([left, right], axis=2), movie.counts)
    with pytest.raises(ValueError, match="got half 'top', expected 'left' or 'right'"):
        movie.half("top")


@pytest.mark.parametrize("shape_yx", [(40, 50), (150, 211)])
def test_a_mosaic_has_the_size_asked_for_and_stays_within_what_was_measured(movie, shape_yx):
    mosaic = movie.mosaic_nm(shape_yx, 2.5, np.random.default_rng(0))
    assert mosaic.shape == shape_yx
    assert mosaic.min() > -1e-3 and mosaic.max() < 251


def test_a_mosaic_follows_its_generator(movie):
    drawn = [movie.mosaic_nm((100, 130), 1.0, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])


def test_a_finer_grid_spans_the_same_area():
    opd_nm = np.zeros((20, 30), np.float32)
    opd_nm[6:12, 9:20] = 100
    fine = upsample(opd_nm, 2)
    assert fine.shape == (40, 60)
    back = block_mean(fine, 2)
    assert back.sum() == pytest.approx(opd_nm.sum(), rel=0.01)
    centre = [np.average(np.arange(n), weights=back.sum(axis=1 - axis)) for axis, n in enumerate(back.shape)]
    np.testing.assert_allclose(centre, (8.5, 14), atol=0.05)
