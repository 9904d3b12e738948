"""Thresholds and scores against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lensfree.anomaly.score import forecast_mse, mean_mse, score_windows
from lensfree.anomaly.thresholds import window_threshold
from lensfree.anomaly.windows import cut_windows
from lensfree.config import ScoreConfig
from lensfree.contracts import SCORES, SERIES, WINDOWS
from lensfree.io.tables import empty_table

SMALL = ScoreConfig(input_points=4, target_points=2, smoothing_points=1)
SCALE = {"mean_pg": 100.0, "sd_pg": 10.0}


def always_the_mean(inputs):
    return np.zeros((len(inputs), 2))


@pytest.fixture
def judged_by_hand(make_history):
    """Two histories, forecast as 100 pg throughout: series 1 has a bump, series 2 has none."""
    jump = make_history(1, [100, 100, 100, 100, 100, 110, 120, 100.0, 100])
    flat = make_history(2, np.full(8, 100.0))
    return cut_windows(pd.concat([jump, flat]), SMALL)


def test_mse_is_the_mean_square_in_standardised_units(judged_by_hand):
    mse = forecast_mse(judged_by_hand, always_the_mean, **SCALE)
    np.testing.assert_allclose(mse, [0.5, 2.5, 2.0, 0, 0, 0, 0], atol=1e-6)


def test_the_scale_of_the_model_decides_the_unit(judged_by_hand):
    mse = forecast_mse(judged_by_hand, always_the_mean, mean_pg=100.0, sd_pg=20.0)
    np.testing.assert_allclose(mse, [0.125, 0.625, 0.5, 0, 0, 0, 0], atol=1e-6)


@pytest.mark.parametrize(("tau", "score"), [(0.4, 0.75), (0.5, 0.5), (1.0, 0.5), (2.2, 0.25), (9.0, 0.0)])
def test_score_is_the_share_of_abnormal_windows(judged_by_hand, tau, score):
    judged, scores = score_windows(
        judged_by_hand, always_the_mean, **SCALE, tau=tau, flag_above=0.0, model="by hand"
    )
    np.testing.assert_array_equal(judged["is_abnormal"], judged["forecast_mse"] > tau)
    assert scores["series_id"].tolist() == [1, 2]
    assert scores["n_windows"].tolist() == [4, 3]
    assert scores["anomaly_score"].tolist() == [score, 0.0]
    assert scores["is_flagged"].tolist() == [score > 0, False]
    assert scores["model"].tolist() == ["by hand", "by hand"]


def test_a_series_is_flagged_above_the_limit_and_not_at_it(judged_by_hand):
    for limit, is_flagged in [(0.49, True), (0.5, False)]:
        scores = score_windows(judged_by_hand, always_the_mean, **SCALE, tau=1.0, flag_above=limit, model="")[
            1
        ]
        assert scores["is_flagged"].tolist() == [is_flagged, False]


def test_windows_are_judged_at_the_time_they_start(judged_by_hand):
    judged, _ = score_windows(judged_by_hand, always_the_mean, **SCALE, tau=1.0, flag_above=0.0, model="")
    np.testing.assert_allclose(judged["start_h"] * 6, [0, 1, 2, 3, 0, 1, 2])
    assert judged.loc[judged["is_abnormal"], "series_id"].tolist() == [1, 1]


def test_mean_mse_ranks_what_the_score_ties(judged_by_hand):
    judged, scores = score_windows(
        judged_by_hand, always_the_mean, **SCALE, tau=9.0, flag_above=0.0, model=""
    )
    assert scores["anomaly_score"].nunique() == 1
    np.testing.assert_allclose(mean_mse(judged).loc[[1, 2]], [1.25, 0.0], atol=1e-6)


def test_many_windows_go_through_in_blocks(make_history, monkeypatch):
    windows = cut_windows(make_history(0, np.random.default_rng(0).normal(100, 10, 60)), SMALL)
    whole = forecast_mse(windows, always_the_mean, **SCALE)
    seen = []
    monkeypatch.setattr("lensfree.anomaly.score.BLOCK", 7)

    def watched(inputs):
        seen.append(len(inputs))
        return always_the_mean(inputs)

    np.testing.assert_array_equal(forecast_mse(windows, watched, **SCALE), whole)
    assert max(seen) == 7 and sum(seen) == len(windows) == 55


@pytest.mark.parametrize("n_points", [0, 5])
def test_nothing_to_score_gives_empty_tables_of_the_right_types(make_history, n_points):
    series = make_history(0, np.ones(n_points)) if n_points else empty_table(SERIES)
    tables = score_windows(
        cut_windows(series, SMALL), always_the_mean, **SCALE, tau=1.0, flag_above=0.0, model="m"
    )
    for table, contract in zip(tables, (WINDOWS, SCORES), strict=True):
        assert table.empty
        assert set(table.columns) < set(contract.columns)
        assert [str(table[name].dtype) for name in table.columns] == [
            contract.columns[name].dtype.replace("str", "object") for name in table.columns
        ]


def test_a_forecaster_of_the_wrong_length_is_refused(judged_by_hand):
    with pytest.raises(ValueError, match=r"answered with shape \(7, 3\), expected \(7, 2\)"):
        forecast_mse(judged_by_hand, lambda inputs: np.zeros((len(inputs), 3)), **SCALE)


def test_a_forecaster_that_diverged_is_refused(judged_by_hand):
    with pytest.raises(ValueError, match="7 of 7 forecasts are not finite, expected none"):
        forecast_mse(judged_by_hand, lambda inputs: np.full((len(inputs), 2), np.nan), **SCALE)


def test_tau_is_mean_plus_two_sd():
    assert window_threshold(np.array([1.0, 1.0, 3.0, 3.0]), 2.0) == pytest.approx(2.0 + 2.0)
    assert window_threshold(np.array([1.0, 1.0, 3.0, 3.0]), 0.5) == pytest.approx(2.5)


@pytest.mark.parametrize(("mse", "text"), [([], "got 0 training MSE"), ([1, np.nan], "1 are not finite")])
def test_tau_needs_finite_errors(mse, text):
    with pytest.raises(ValueError, match=text):
        window_threshold(np.array(mse), 2.0)


def test_a_quantile_of_the_training_windows_can_be_the_threshold():
    mse = np.arange(101.0)
    assert window_threshold(mse, 2.0, quantile=0.95) == pytest.approx(95.0)
    assert window_threshold(mse, 2.0) != pytest.approx(95.0)
    with pytest.raises(ValueError, match="got 0 training MSE"):
        window_threshold(np.empty(0), 2.0, quantile=0.95)


def test_a_forecast_can_be_judged_by_dry_mass_as_measured(make_history):
    """The running mean over two hours hides half of a dropout of one point; the raw target does not."""
    points = np.full(30, 100.0)
    points[17] = 70.0
    config = ScoreConfig(input_points=4, target_points=2, smoothing_points=3)
    windows = cut_windows(make_history(0, points), config)
    at = 17 - 4  # the window whose first target point is the dropout
    smoothed = forecast_mse(windows, always_the_mean, **SCALE)[at]
    raw = forecast_mse(windows, always_the_mean, **SCALE, target="raw")[at]
    assert (smoothed, raw) == (pytest.approx(1.0), pytest.approx(4.5))
    judged, scores = score_windows(
        windows, always_the_mean, **SCALE, tau=2.0, flag_above=0.0, model="by hand", target="raw"
    )
    assert judged["is_abnormal"].sum() == 2 and scores["is_flagged"].all()
