"""Surprise: scales of normal cells and their tail, learnt from contaminated scores."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from lensfree.anomaly.surprise import TURN_SD, USUAL_SCALE, Scales, Tail, learn_scales, learn_tail


def test_surprise_is_that_of_a_normal_distribution_and_falls_slower_beyond():
    scales = Scales(np.array([2.0]), np.array([0.5]))
    z = np.array([-1.0, 0.0, 1.0, TURN_SD, 3.0])
    surprise = scales.surprise((2.0 + 0.5 * z)[:, None])[:, 0]
    np.testing.assert_allclose(surprise[:4], -norm.logsf(z[:4]))
    hazard = norm.pdf(TURN_SD) / norm.sf(TURN_SD)
    assert surprise[4] == pytest.approx(-norm.logsf(TURN_SD) + hazard * 1.5)
    assert surprise[4] < -norm.logsf(3.0)


def test_surprise_is_continuous_and_rising_where_it_turns():
    surprise = Scales(np.zeros(1), np.ones(1)).surprise(np.linspace(1.4, 1.6, 201)[:, None])[:, 0]
    assert (np.diff(surprise) > 0).all() and np.diff(surprise).max() < 1.05 * np.diff(surprise).min() + 1e-3


def contaminated(rng, n=4000, share=0.1):
    scores = rng.normal([1.0, -2.0], [0.3, 2.0], (n, 2))
    is_odd = rng.random(n) < share
    scores[is_odd] += rng.uniform(2, 20, (is_odd.sum(), 1)) * [0.3, 2.0]
    return scores, is_odd


def test_scales_are_those_of_the_normal_cells_among_others():
    scores, _ = contaminated(np.random.default_rng(3))
    scales = learn_scales(scores, contamination=0.1)
    np.testing.assert_allclose((scales.median - [1.0, -2.0]) / [0.3, 2.0], 0, atol=0.08)
    np.testing.assert_allclose(scales.sd, [0.3, 2.0], rtol=0.08)
    # Without leaving the odd ones out they would be off by more.
    loose = learn_scales(scores, contamination=1e-6)
    assert (loose.sd > scales.sd).all() and (loose.median > scales.median).all()


def test_the_tail_is_that_of_the_normal_cells_among_others():
    rng = np.random.default_rng(5)
    normal = rng.exponential(USUAL_SCALE, 9000)
    odd = 1 + rng.gamma(2.0, 5.0, 1000)
    tail = learn_tail(np.r_[normal, odd])
    for alpha in (0.05, 0.01, 0.005):
        flagged = (normal > tail.threshold(alpha)).mean()
        assert 0.5 * alpha < flagged < 1.5 * alpha  # what alpha promises
    # A plain quantile of the training set would flag hardly any.
    assert (normal > np.quantile(np.r_[normal, odd], 0.995)).mean() < 0.0005


def test_the_tail_of_a_clean_set_is_right_as_well():
    normal = np.random.default_rng(6).exponential(USUAL_SCALE, 8000)
    tail = learn_tail(normal)
    assert 0.7 * 0.01 < (normal > tail.threshold(0.01)).mean() < 1.4 * 0.01


def test_few_cells_keep_to_the_usual_steepness_and_many_go_their_own_way():
    rng = np.random.default_rng(7)
    few, many = (learn_tail(rng.exponential(0.8, n)) for n in (50, 40_000))
    assert abs(few.scale - USUAL_SCALE) < 0.1
    assert abs(many.scale - 0.8) < 0.1


def test_share_and_threshold_belong_together():
    tail = Tail(start=1.0, scale=0.7, share=0.4)
    assert tail.normal_share(tail.threshold(0.02)) == pytest.approx(0.02)
    assert tail.normal_share(np.array([0.0, 1.0])).tolist() == [0.4, 0.4]
    assert tail.threshold(0.4) == 1.0


@pytest.mark.parametrize("alpha", [0.0, 0.41, -1.0])
def test_an_alpha_outside_the_tail_is_refused(alpha):
    with pytest.raises(ValueError, match="score.alpha is .* expected a share above 0 and up to 0.4"):
        Tail(start=1.0, scale=0.7, share=0.4).threshold(alpha)


def test_too_few_cells_or_equal_ones_are_refused():
    with pytest.raises(ValueError, match="got 19 histories to learn from, expected at least 20"):
        learn_scales(np.random.default_rng(1).normal(size=(19, 2)), 0.1)
    with pytest.raises(ValueError, match="score alike in one view"):
        learn_scales(np.ones((40, 2)), 0.1)
