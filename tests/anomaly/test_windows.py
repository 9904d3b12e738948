"""Windows: how many, where they start, what is smoothed, which grid."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lensfree.anomaly.windows import cut_windows, running_mean_weights, smooth
from lensfree.config import ScoreConfig
from lensfree.contracts import SERIES
from lensfree.io.tables import empty_table

SMALL = ScoreConfig(input_points=5, target_points=3, smoothing_points=1)


def test_fifty_hours_make_121_windows(make_history):
    """The paper's own example: 50 h of a mother and her daughter are seen through 121 windows."""
    windows = cut_windows(make_history(4, np.linspace(300, 600, 300)), ScoreConfig())
    assert len(windows) == 121
    assert windows.inputs.shape == (121, 120)
    assert windows.targets.shape == windows.targets_raw.shape == (121, 60)
    np.testing.assert_allclose(windows.start_h, np.arange(121) / 6)
    assert set(windows.series_id) == {4}


@pytest.mark.parametrize(("n_points", "n_windows"), [(1, 0), (7, 0), (8, 1), (9, 2)])
def test_a_history_one_point_too_short_gives_no_window(make_history, n_points, n_windows):
    assert len(cut_windows(make_history(0, np.ones(n_points)), SMALL)) == n_windows


def test_the_target_begins_where_the_input_ends(make_history):
    windows = cut_windows(make_history(0, np.arange(10.0)), SMALL)
    np.testing.assert_array_equal(windows.inputs, [[0, 1, 2, 3, 4], [1, 2, 3, 4, 5], [2, 3, 4, 5, 6]])
    np.testing.assert_array_equal(windows.targets_raw, [[5, 6, 7], [6, 7, 8], [7, 8, 9]])
    np.testing.assert_array_equal(windows.targets, windows.targets_raw)


def test_windows_do_not_run_from_one_history_into_the_next(make_history):
    series = pd.concat([make_history(7, np.full(9, 100.0)), make_history(3, np.full(8, 200.0))])
    windows = cut_windows(series, SMALL)
    np.testing.assert_array_equal(windows.series_id, [3, 7, 7])
    assert [set(row) for row in windows.inputs] == [{200.0}, {100.0}, {100.0}]
    assert [set(row) for row in windows.targets] == [{200.0}, {100.0}, {100.0}]


def test_rows_in_any_order_give_the_same_windows(make_history):
    series = pd.concat([make_history(0, np.arange(9.0)), make_history(1, np.arange(9.0) ** 2)])
    shuffled = series.sample(frac=1, random_state=5)
    np.testing.assert_array_equal(cut_windows(series, SMALL).inputs, cut_windows(shuffled, SMALL).inputs)


@pytest.mark.parametrize("empty", ["no rows", "too short"])
def test_nothing_to_cut_gives_empty_windows_of_the_right_shape(make_history, empty):
    series = empty_table(SERIES) if empty == "no rows" else make_history(0, np.ones(179))
    windows = cut_windows(series, ScoreConfig())
    assert len(windows) == 0
    assert windows.inputs.shape == (0, 120)
    assert windows.targets.shape == windows.targets_raw.shape == (0, 60)


def test_one_hour_at_ten_minutes_weighs_seven_points_with_half_ends():
    weights = running_mean_weights(6)
    np.testing.assert_allclose(weights * 12, [1, 2, 2, 2, 2, 2, 1])
    np.testing.assert_allclose(running_mean_weights(5), 0.2)
    np.testing.assert_array_equal(running_mean_weights(1), [1.0])


@pytest.mark.parametrize("points", [1, 5, 6])
def test_smoothing_keeps_a_straight_line_where_it_is_centred(points):
    """A mean that is not centred would shift growth in time."""
    line = 300 + 2.0 * np.arange(40)
    smoothed = smooth(line, running_mean_weights(points))
    reach = points // 2
    np.testing.assert_allclose(smoothed[reach : 40 - reach], line[reach : 40 - reach])


def test_smoothing_shrinks_at_the_ends_of_a_history():
    smoothed = smooth(np.array([6.0, 0, 0, 0, 0, 0, 0, 0, 0]), running_mean_weights(6))
    np.testing.assert_allclose(smoothed[0], 6 * 2 / (2 + 2 + 2 + 1))
    np.testing.assert_allclose(smoothed[3], 6 / 12)
    np.testing.assert_allclose(smoothed[4:], 0, atol=1e-12)
    np.testing.assert_allclose(smooth(np.full(4, 5.0), running_mean_weights(6)), 5.0)


def test_smoothing_reduces_white_noise_as_the_weights_say():
    noise = np.random.default_rng(3).normal(0, 35, 200_000)
    weights = running_mean_weights(6)
    expected_sd = 35 * np.sqrt((weights**2).sum())
    assert smooth(noise, weights)[3:-3].std() == pytest.approx(expected_sd, rel=0.01)


def test_only_targets_are_smoothed(make_history):
    dry_mass_pg = np.random.default_rng(2).normal(400, 30, 12)
    windows = cut_windows(make_history(0, dry_mass_pg), SMALL.model_copy(update={"smoothing_points": 3}))
    np.testing.assert_array_equal(windows.inputs[1], dry_mass_pg[1:6])
    np.testing.assert_array_equal(windows.targets_raw[1], dry_mass_pg[6:9])
    np.testing.assert_allclose(windows.targets[1], [dry_mass_pg[i - 1 : i + 2].mean() for i in (6, 7, 8)])


@pytest.mark.parametrize("interval_min", [5.0, 6.0, 20.0])
def test_another_frame_interval_is_brought_to_the_grid(make_history, interval_min):
    n_points = int(180 / interval_min) + 1
    series = make_history(0, np.arange(n_points) * interval_min)
    series["time_h"] = 2.5 + np.arange(n_points) * interval_min / 60
    windows = cut_windows(series, SMALL)
    assert len(windows) == 19 - 8 + 1
    np.testing.assert_allclose(windows.start_h, 2.5 + np.arange(12) / 6)
    np.testing.assert_allclose(windows.inputs[0], [0, 10, 20, 30, 40], atol=1e-9)


def test_a_cell_is_the_one_that_was_there_at_the_grid_point(make_history):
    series = make_history(0, np.ones(40), cell_id=np.repeat([1, 2], 20))
    series["time_h"] = np.arange(40) * 5 / 60
    windows = cut_windows(series, SMALL)
    division_h = 20 * 5 / 60
    last_h = windows.start_h + 7 / 6
    np.testing.assert_array_equal(windows.last_cell_id, np.where(last_h >= division_h - 1e-9, 2, 1))


def test_times_that_are_off_by_rounding_do_not_change_a_value(make_history):
    series = make_history(0, np.random.default_rng(1).normal(400, 30, 50))
    expected = cut_windows(series, SMALL).inputs
    series["time_h"] = series["time_h"].round(3)
    np.testing.assert_array_equal(cut_windows(series, SMALL).inputs, expected)


def test_standardised_windows_are_zero_mean_and_unit_sd_in_their_own_scale(make_history):
    windows = cut_windows(make_history(0, np.linspace(200, 700, 50)), SMALL)
    inputs, targets = windows.standardised(450.0, 50.0)
    assert inputs.dtype == targets.dtype == np.float32
    np.testing.assert_allclose(inputs, (windows.inputs - 450) / 50, atol=1e-5)
    np.testing.assert_allclose(targets, (windows.targets - 450) / 50, atol=1e-5)


def test_a_gap_in_a_history_is_refused(make_history):
    series = make_history(12, np.ones(30))
    series.loc[15:, "time_h"] += 1.0
    with pytest.raises(
        ValueError, match=r"series 12 has steps from 0\.1667 to 1\.167 h, expected a regular grid"
    ):
        cut_windows(series, SMALL)


def test_a_dry_mass_that_is_not_finite_is_refused(make_history):
    series = make_history(9, np.ones(30))
    series.loc[3:4, "dry_mass_pg"] = np.nan
    with pytest.raises(ValueError, match="series 9 has 2 dry masses that are not finite, expected none"):
        cut_windows(series, SMALL)
