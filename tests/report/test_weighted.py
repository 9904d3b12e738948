from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from lensfree.report.weighted import cliffs_delta, weighted_medians


def test_medians_are_those_of_the_values_repeated():
    rng = np.random.default_rng(0)
    values, group = rng.normal(size=37), rng.integers(0, 6, 37)
    drawn = rng.multinomial(6, np.full(6, 1 / 6), size=250)
    expected = [np.median(np.repeat(values, draw[group])) for draw in drawn]
    np.testing.assert_allclose(weighted_medians(values, drawn, group), expected, rtol=1e-14)


def test_by_hand():
    values, group = np.array([3.0, 1.0, 10.0]), np.array([0, 1, 1])
    drawn = np.array([[1, 1], [2, 0], [0, 2], [0, 0], [4, 1]])
    medians = weighted_medians(values, drawn, group)
    assert medians[[0, 1, 2, 4]].tolist() == [3.0, 3.0, 5.5, 3.0]
    assert np.isnan(medians[3])


def test_no_values_have_no_median():
    empty = np.empty(0)
    assert np.isnan(weighted_medians(empty, np.ones((2, 3), int), np.empty(0, int))).all()


@pytest.mark.parametrize(
    ("values", "others", "delta"),
    [([1, 2, 3], [0, 0], 1.0), ([0], [1, 2], -1.0), ([1, 2], [1, 2], 0.0), ([2, 5], [2, 3], 1 / 4)],
)
def test_delta_by_hand(values, others, delta):
    # Of the last, 2 is lower than one and equal to one, 5 is higher than both: (2 - 1) / 4.
    assert cliffs_delta(np.array(values), np.array(others)) == pytest.approx(delta)


def test_delta_is_that_of_the_rank_sum():
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 9, 40).astype(float), rng.integers(2, 11, 25).astype(float)
    u = mannwhitneyu(a, b).statistic
    assert cliffs_delta(a, b) == pytest.approx(2 * u / (40 * 25) - 1)


def test_no_pairs_have_no_delta():
    assert np.isnan(cliffs_delta(np.empty(0), np.ones(3)))
    assert np.isnan(cliffs_delta(np.ones(3), np.empty(0)))
