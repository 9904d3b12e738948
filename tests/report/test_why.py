from __future__ import annotations

from dataclasses import replace

import pytest

from lensfree.report.content import Place, Suspect
from lensfree.report.why import describe_life, describe_place, explain


def suspect_of(world, series_id: int, **changes) -> Suspect:
    windows = world.windows[world.windows["series_id"] == series_id]
    plain = Suspect(
        rank=1,
        series_id=series_id,
        anomaly_score=float(windows["is_abnormal"].mean()),
        n_windows=len(windows),
        is_flagged=bool(windows["is_abnormal"].any()),
        series=world.series[world.series["series_id"] == series_id],
        windows=windows,
    )
    return replace(plain, **changes)


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


def test_the_evidence_stands_first_as_a_sentence(world):
    suspect = suspect_of(world, 1, evidence="dry mass fell by 50 %")
    assert explain(suspect, world.score, 0.5).startswith("Dry mass fell by 50 %. 17 of 37 windows (46%)")


def test_a_surprise_is_explained_by_evidence_rarity_view_and_windows(surprised):
    found = dict(evidence="dry mass fell", surprise=7.0, normal_share=0.0031, view="third")
    assert explain(suspect_of(surprised, 1, **found), surprised.score, 5.0) == (
        "Dry mass fell. About 3 in 1,000 normal series look as odd. Most unusual was its shape over 10 h. "
        "17 of 37 windows (46%) are abnormal."
    )


def test_without_evidence_the_rarity_stands_first_and_nothing_is_said_of_a_forecast(surprised):
    text = explain(suspect_of(surprised, 0, surprise=1.2, normal_share=0.35), surprised.score, 5.0)
    assert text == "More than 1 in 10 normal series look as odd. None of 37 windows is abnormal."


def test_one_abnormal_window_is_one(surprised):
    suspect = suspect_of(surprised, 0, surprise=1.2)
    suspect.windows.iloc[3, suspect.windows.columns.get_loc("is_abnormal")] = True
    assert "1 of 37 windows (3%) is abnormal." in explain(suspect, surprised.score, 5.0)


def test_a_place_is_given_in_um_and_in_pixels():
    place = Place(cell_id=7, frame=180, time_h=30.04, y_um=60.12, x_um=115.0)
    assert describe_place(place, 1.67) == (
        "frame 180 (30.0 h), y 60 µm, x 115 µm (row 36, column 69), cell 7."
    )
    assert describe_place(None, 1.67) == ""


@pytest.mark.parametrize("tau_w", [None, 0.5])
def test_the_published_method_says_nothing_of_rarity_or_views(world, tau_w):
    text = explain(suspect_of(world, 1), world.score, tau_w)
    assert "normal series" not in text
    assert "Most unusual" not in text
