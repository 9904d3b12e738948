import itertools

import numpy as np
import pandas as pd
import pytest

from lensfree.cells.pairing import detection, is_inside, pair_cells, regression


def at(*centres_um):
    return pd.DataFrame(np.array(centres_um, float).reshape(-1, 2), columns=["y_um", "x_um"])


def test_each_cell_is_in_one_pair_where_the_nearest_would_use_one_twice():
    found, truth = at((0.0, 4.0), (0.0, 11.0)), at((0.0, 6.0), (0.0, 0.0))
    assert pair_cells(found, truth).tolist() == [[0, 1], [1, 0]]


def test_pairs_are_as_many_as_can_be_before_they_are_near():
    """The nearest pair (0 um apart) would leave two cells single."""
    found, truth = at((0.0, 0.0), (0.0, 9.0)), at((0.0, 9.0), (0.0, 18.0))
    assert pair_cells(found, truth).tolist() == [[0, 0], [1, 1]]


def test_the_limit_is_inclusive_and_kept():
    assert len(pair_cells(at((0.0, 0.0)), at((6.0, 8.0)))) == 1
    assert len(pair_cells(at((0.0, 0.0)), at((6.0, 8.01)))) == 0
    assert len(pair_cells(at((0.0, 0.0)), at((6.0, 8.0)), max_distance_um=9.9)) == 0


def test_pairs_equal_those_of_trying_everything():
    rng = np.random.default_rng(5)
    for _ in range(30):
        found, truth = at(*rng.uniform(0, 22, (4, 2))), at(*rng.uniform(0, 22, (5, 2)))
        distance_um = np.hypot(
            found.y_um.to_numpy()[:, None] - truth.y_um.to_numpy(),
            found.x_um.to_numpy()[:, None] - truth.x_um.to_numpy(),
        )
        best = (0, 0.0)
        for chosen in itertools.permutations([*range(5), *[None] * 4], 4):
            used = [distance_um[i, j] for i, j in enumerate(chosen) if j is not None]
            if all(d <= 10 for d in used):
                best = max(best, (len(used), -sum(used)))
        pairs = pair_cells(found, truth)
        assert len(pairs) == best[0]
        assert distance_um[pairs[:, 0], pairs[:, 1]].sum() == pytest.approx(-best[1])
        assert len(set(pairs[:, 0])) == len(set(pairs[:, 1])) == len(pairs)


def test_many_far_groups_pair_like_one_and_stay_in_order():
    rng = np.random.default_rng(6)
    grid_um = np.stack(np.meshgrid(np.arange(30) * 40.0, np.arange(50) * 40.0), -1).reshape(-1, 2)
    order = rng.permutation(len(grid_um))
    pairs = pair_cells(at(*(grid_um + rng.uniform(-3, 3, grid_um.shape))), at(*grid_um[order]))
    assert pairs[:, 0].tolist() == list(range(len(grid_um)))
    assert order[pairs[:, 1]].tolist() == list(range(len(grid_um)))


def test_nothing_pairs_with_nothing():
    assert pair_cells(at(), at((1.0, 2.0))).shape == (0, 2)
    assert pair_cells(at((1.0, 2.0)), at()).shape == (0, 2)
    assert pair_cells(at((1.0, 2.0)), at((100.0, 2.0))).shape == (0, 2)


def test_precision_and_recall_count_what_lies_inside():
    shape_um = (100.0, 160.0)
    truth = at((50, 50), (50, 100), (19, 80), (90, 80))
    found = at((50, 52), (21, 80), (50, 130), (95, 80))
    counted = detection(found, truth, pair_cells(found, truth), shape_um, border_um=20.0)
    assert (counted.n_found, counted.n_true) == (3, 2)
    assert counted.precision == pytest.approx(2 / 3)  # one inside has its partner in the border
    assert counted.recall == pytest.approx(1 / 2)


def test_precision_and_recall_are_nan_without_cells():
    counted = detection(at(), at(), np.empty((0, 2), int))
    assert np.isnan(counted.precision) and np.isnan(counted.recall)


def test_a_field_is_not_square():
    assert is_inside(at((90, 150), (150, 90)), (100.0, 160.0), 5.0).tolist() == [True, False]


def test_regression_of_a_known_line():
    truth = np.linspace(100, 300, 50)
    line = regression(0.8 * truth + 60, truth)
    assert (line.slope, line.intercept, line.r2) == pytest.approx((0.8, 60.0, 1.0))
    assert line.n == 50


def test_r2_is_the_share_of_variance_that_the_line_explains():
    rng = np.random.default_rng(8)
    truth = rng.normal(200, 50, 400)
    found = 0.8 * truth + rng.normal(0, 20, 400)
    line = regression(found, truth)
    rest = found - (line.slope * truth + line.intercept)
    assert line.r2 == pytest.approx(1 - rest @ rest / np.sum((found - found.mean()) ** 2))
    assert 0.7 < line.r2 < 0.9


def test_error_mad_is_the_sd_of_normal_errors_and_blind_to_outliers():
    rng = np.random.default_rng(9)
    truth = rng.uniform(100, 300, 5000)
    found = truth + 30 + rng.normal(0, 12, 5000)
    found[::50] += 500
    assert regression(found, truth).error_mad == pytest.approx(12, rel=0.05)


def test_lists_of_different_length_are_refused():
    with pytest.raises(ValueError, match=r"shape \(3,\) and truth \(4,\), expected one value per pair"):
        regression(np.ones(3), np.ones(4))


def test_too_few_pairs_are_refused():
    with pytest.raises(ValueError, match="2 pairs with 2 different true values, expected at least 3"):
        regression(np.array([1.0, 2.0]), np.array([1.0, 3.0]))
