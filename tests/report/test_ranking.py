from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lensfree.report.ranking import choose_shown, first_sharing_rank, is_judged_by_surprise, rank_series


def scores_of(rows: list[tuple[int, int, float]], surprise: float | list[float] = np.nan) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["series_id", "n_windows", "anomaly_score"])
    return table.assign(is_flagged=table["anomaly_score"] > 0, surprise=surprise, model="m")


def windows_of(mse: dict[int, float]) -> pd.DataFrame:
    return pd.DataFrame(
        [(i, 0.0, value, False) for i, value in mse.items()],
        columns=["series_id", "start_h", "forecast_mse", "is_abnormal"],
    )


def ranked_of(is_error: list[bool], is_flagged: list[bool]) -> pd.DataFrame:
    """Series named as they are ranked."""
    n = len(is_error)
    columns = {"series_id": range(1, n + 1), "rank": range(1, n + 1)}
    return pd.DataFrame({**columns, "is_acquisition": is_error, "is_flagged": is_flagged})


def test_the_score_ranks_then_the_mean_mse_then_the_identity():
    scores = scores_of([(4, 9, 0.2), (3, 9, 0.2), (2, 9, 0.2), (1, 9, 0.7), (0, 9, 0.0)])
    ranked = rank_series(scores, windows_of({0: 9.0, 1: 0.1, 2: 0.3, 3: 0.5, 4: 0.3}), 10)
    assert ranked["series_id"].tolist() == [1, 3, 2, 4, 0]
    assert ranked["rank"].tolist() == [1, 2, 3, 4, 5]


def test_the_surprise_ranks_first_where_there_is_one():
    scores = scores_of([(0, 9, 0.9), (1, 9, 0.0), (2, 9, 0.5), (3, 9, 0.1)], [2.0, 8.0, np.nan, 2.0])
    ranked = rank_series(scores, windows_of({0: 1.0, 1: 1.0, 2: 1.0, 3: 1.0}))
    assert ranked["series_id"].tolist() == [1, 0, 3, 2]


def test_whether_there_is_a_surprise_is_seen_from_the_table():
    rows = [(0, 9, 0.1), (1, 0, np.nan)]
    assert is_judged_by_surprise(scores_of(rows, [1.0, np.nan]))
    assert not is_judged_by_surprise(scores_of(rows))
    assert not is_judged_by_surprise(scores_of([]))


def test_at_most_the_wanted_number_is_returned_and_series_without_windows_are_not():
    scores = scores_of([(0, 0, np.nan), (1, 3, 0.1), (2, 3, 0.2)], [np.nan, 1.0, 2.0])
    windows = windows_of({1: 1.0, 2: 1.0})
    for table in (scores, scores.assign(surprise=np.nan)):
        assert rank_series(table, windows)["series_id"].tolist() == [2, 1]
        assert rank_series(table, windows, 1)["series_id"].tolist() == [2]


def test_errors_of_the_measurement_come_last_with_the_ranks_that_they_have():
    shown = choose_shown(ranked_of([True, False, True, False], [True] * 4), 4)
    assert shown["rank"].tolist() == [2, 4, 1, 3]


@pytest.mark.parametrize(
    ("is_error", "is_flagged", "shown"),
    [
        ([True, True, False, False, False], [False] * 5, [3, 4, 1, 2]),
        ([False, False, True, True, False], [False] * 5, [1, 2]),
        ([False, False, True, True, True], [True, True, False, True, True], [1, 2, 4, 5]),
        ([True] * 5, [True] * 5, [1, 2]),
        ([], [], []),
    ],
)
def test_of_either_sort_at_most_two_are_shown_and_errors_only_if_flagged_or_high(is_error, is_flagged, shown):
    assert choose_shown(ranked_of(is_error, is_flagged), 2)["rank"].tolist() == shown


def test_series_that_share_a_cell_name_the_best_better_rank():
    assert first_sharing_rank([1, 2, 3, 4], [{1, 2}, {5}, {1, 3}, {3, 5}]) == [None, None, 1, 2]


def test_ranks_that_are_not_in_order_are_compared_as_they_are():
    assert first_sharing_rank([9, 12, 4], [{1}, {2}, {1, 2}]) == [4, 4, None]
