from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lensfree.config import ScoreConfig
from lensfree.report.spans import (
    abnormal_spans,
    division_times_h,
    failed_spans,
    forecast_centre_h,
    hours_of,
    strip_slots_h,
    strip_times_h,
    window_centre_h,
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


def test_a_window_has_its_middle_half_way_from_its_first_to_its_last_point():
    centres = window_centre_h(windows_at([0.0, 3.0], [True, True]), SCORE)
    np.testing.assert_allclose(centres, [14 + 11 / 12, 17 + 11 / 12])


def test_only_a_forecast_can_fail(world, surprised):
    assert failed_spans(world.windows, world.score) == abnormal_spans(world.windows, world.score)
    assert failed_spans(surprised.windows, surprised.score) == []


def long_series() -> pd.DataFrame:
    return pd.DataFrame({"time_h": np.linspace(3.0, 63.0, 361)})


def test_without_an_onset_pictures_are_taken_where_they_stand():
    np.testing.assert_array_equal(strip_times_h(long_series(), 7), strip_slots_h(long_series(), 7))


@pytest.mark.parametrize("n_slots", [1, 2, 3, 5, 8, 12, 30])
@pytest.mark.parametrize("onset_h", [3.0, 3.5, 20.0, 33.3, 62.0, 63.0])
def test_a_third_of_the_pictures_are_near_the_onset_and_one_is_at_it(n_slots, onset_h):
    times_h = strip_times_h(long_series(), n_slots, onset_h)
    assert len(times_h) == n_slots
    assert (np.diff(times_h) > 0).all()
    assert times_h.min() >= 3.0
    assert times_h.max() <= 63.0
    assert (np.abs(times_h - onset_h) <= 4.5 + 1e-9).sum() >= n_slots / 3
    assert np.abs(times_h - onset_h).min() < 1e-9


def test_the_pictures_around_an_onset_stand_on_both_sides_and_the_others_leave_no_gap():
    times_h = strip_times_h(long_series(), 12, 33.0)
    assert times_h[(times_h > 28) & (times_h < 38)] == pytest.approx([28.5, 33.0, 35.25, 37.5])
    # Eight share the 51 h that are left.
    assert np.diff(times_h[:4]) == pytest.approx(np.full(3, 51 / 8))
    assert np.diff(times_h).max() <= 51 / 8 + 1e-9


def test_an_onset_outside_the_series_counts_as_its_end():
    np.testing.assert_allclose(strip_times_h(long_series(), 6, 99.0), strip_times_h(long_series(), 6, 63.0))


def test_a_series_shorter_than_the_hours_around_an_onset_is_covered():
    short = pd.DataFrame({"time_h": [0.0, 2.0, 4.0]})
    times_h = strip_times_h(short, 6, 2.0)
    assert len(times_h) == 6
    assert (times_h[0], times_h[-1]) == (0.0, 4.0)
    assert (np.diff(times_h) > 0).all()


def test_slots_are_the_middles_of_equal_parts():
    series = pd.DataFrame({"time_h": [2.0, 5.0, 10.0]})
    np.testing.assert_allclose(strip_slots_h(series, 4), [3.0, 5.0, 7.0, 9.0])
