from __future__ import annotations

import pandas as pd

from lensfree.report.content import Suspect
from lensfree.report.ranking import describe_life, explain, first_sharing_rank, rank_series


def scores_of(rows: list[tuple[int, int, float]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["series_id", "n_windows", "anomaly_score"])
    return table.assign(is_flagged=table["anomaly_score"] > 0, model="m")


def windows_of(mse: dict[int, float]) -> pd.DataFrame:
    return pd.DataFrame(
        [(i, 0.0, value, False) for i, value in mse.items()],
        columns=["series_id", "start_h", "forecast_mse", "is_abnormal"],
    )


def suspect_of(world, series_id: int) -> Suspect:
    windows = world.windows[world.windows["series_id"] == series_id]
    return Suspect(
        rank=1,
        series_id=series_id,
        anomaly_score=float(windows["is_abnormal"].mean()),
        n_windows=len(windows),
        is_flagged=bool(windows["is_abnormal"].any()),
        series=world.series[world.series["series_id"] == series_id],
        windows=windows,
    )


def test_the_score_ranks_then_the_mean_mse_then_the_identity():
    scores = scores_of([(4, 9, 0.2), (3, 9, 0.2), (2, 9, 0.2), (1, 9, 0.7), (0, 9, 0.0)])
    ranked = rank_series(scores, windows_of({0: 9.0, 1: 0.1, 2: 0.3, 3: 0.5, 4: 0.3}), 10)
    assert ranked["series_id"].tolist() == [1, 3, 2, 4, 0]


def test_at_most_the_wanted_number_is_returned_and_series_without_windows_are_not():
    scores = scores_of([(0, 0, 1.0), (1, 3, 0.1), (2, 3, 0.2)])
    windows = windows_of({1: 1.0, 2: 1.0})
    assert rank_series(scores, windows, 10)["series_id"].tolist() == [2, 1]
    assert rank_series(scores, windows, 1)["series_id"].tolist() == [2]


def test_series_that_share_a_cell_name_the_first_better_rank():
    assert first_sharing_rank([{1, 2}, {5}, {1, 3}, {3, 5}]) == [None, None, 1, 2]


def test_the_sentence_gives_share_hours_mse_threshold_and_dry_mass(world):
    text = explain(suspect_of(world, 1), world.score, 0.5)
    assert "17 of 37 windows (46%) are abnormal" in text
    # The last window starts at 6 h, so its forecast covers 26 h to 35.8 h.
    assert "The forecast for 26.0–35.8 h was the worst: its MSE is 1.04, 2.07 times the threshold 0.5" in text
    assert "went from 432 to 239 pg without dividing" in text


def test_without_a_known_threshold_nothing_is_said_of_it(world):
    assert "threshold" not in explain(suspect_of(world, 1), world.score, None)


def test_a_normal_series_is_said_to_be_normal(world):
    assert explain(suspect_of(world, 0), world.score, 0.5).startswith("None of 37 windows is abnormal.")


def test_a_division_in_the_hours_of_the_worst_forecast_is_said(world):
    suspect = suspect_of(world, 1)
    early = suspect.windows.assign(start_h=suspect.windows["start_h"] - 12)
    moved = Suspect(**{**vars(suspect), "windows": early})
    assert "with one division" in explain(moved, world.score, 0.5)


def test_the_life_of_a_series_counts_hours_divisions_and_filled_points(world):
    assert describe_life(suspect_of(world, 1)) == (
        "Followed from 0.0 to 35.8 h, 1 division, 0% of the points filled across gaps."
    )
    assert "no division" in describe_life(suspect_of(world, 0))


def test_hours_beyond_the_series_leave_the_dry_mass_unsaid(world):
    suspect = suspect_of(world, 1)
    late = Suspect(**{**vars(suspect), "windows": suspect.windows.assign(start_h=500.0)})
    assert "dry mass" not in explain(late, world.score, None)
