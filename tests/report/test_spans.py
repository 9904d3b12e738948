from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lensfree.config import ScoreConfig
from lensfree.report.spans import (
    abnormal_spans,
    division_times_h,
    forecast_centre_h,
    hours_of,
    strip_slots_h,
)

SCORE = ScoreConfig(interval_min=10, input_points=120, target_points=60)


def windows_at(starts_h: list[float], is_abnormal: list[bool]) -> pd.DataFrame:
    return pd.DataFrame({"start_h": starts_h, "forecast_mse": 1.0, "is_abnormal": is_abnormal})


def test_a_window_foretells_its_last_10_hours_up_to_its_last_point():
    assert hours_of("forecast", SCORE) == pytest.approx((20.0, 29 + 5 / 6))
    assert hours_of("window", SCORE) == pytest.approx((0.0, 29 + 5 / 6))


def test_one_abnormal_window_marks_the_hours_it_foretold_in_acquisition_time():
    windows = windows_at([5.0, 7.5], [False, True])
    assert abnormal_spans(windows, SCORE) == [pytest.approx((27.5, 37 + 1 / 3))]
    assert abnormal_spans(windows, SCORE, "window") == [pytest.approx((7.5, 37 + 1 / 3))]


def test_windows_in_any_order_merge_into_one_span_where_they_overlap():
    windows = windows_at([4.0, 0.0, 2.0], [True, True, True])
    assert abnormal_spans(windows, SCORE) == [pytest.approx((20.0, 33 + 5 / 6))]


def test_forecasts_that_end_and_begin_one_grid_step_apart_touch_and_two_steps_apart_do_not():
    touching = windows_at([0.0, 10.0], [True, True])
    apart = windows_at([0.0, 10.0 + 1 / 6], [True, True])
    assert abnormal_spans(touching, SCORE) == [pytest.approx((20.0, 39 + 5 / 6))]
    assert abnormal_spans(apart, SCORE) == [
        pytest.approx((20.0, 29 + 5 / 6)),
        pytest.approx((30 + 1 / 6, 40.0)),
    ]


def test_a_normal_window_between_two_abnormal_ones_leaves_only_what_no_abnormal_one_foretold_unmarked():
    short = ScoreConfig(interval_min=60, input_points=4, target_points=2)
    windows = windows_at([0.0, 1.0, 2.0, 3.0, 8.0], [True, False, False, False, True])
    assert abnormal_spans(windows, short) == [(4.0, 5.0), (12.0, 13.0)]


def test_no_abnormal_window_marks_nothing():
    assert abnormal_spans(windows_at([0.0], [False]), SCORE) == []
    assert abnormal_spans(windows_at([], []).astype({"is_abnormal": bool}), SCORE) == []


def test_the_error_of_a_window_stands_in_the_middle_of_the_hours_it_foretold():
    centres = forecast_centre_h(windows_at([0.0, 3.0], [True, True]), SCORE)
    np.testing.assert_allclose(centres, [24 + 11 / 12, 27 + 11 / 12])


def test_a_division_is_at_the_first_point_of_the_daughter(world):
    path = world.series[world.series["series_id"] == 1]
    assert division_times_h(path) == [pytest.approx(15.0)]
    assert division_times_h(path.sample(frac=1, random_state=1)) == [pytest.approx(15.0)]
    assert division_times_h(world.series[world.series["series_id"] == 0]) == []


def test_slots_are_the_middles_of_equal_parts():
    series = pd.DataFrame({"time_h": [2.0, 5.0, 10.0]})
    np.testing.assert_allclose(strip_slots_h(series, 4), [3.0, 5.0, 7.0, 9.0])
