"""Scores with short histories and with reasons."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lensfree.anomaly import explained
from lensfree.anomaly.explained import to_explain, with_reasons, with_short_series
from lensfree.anomaly.norms import Norms
from lensfree.simulate.series import simulate_series


@pytest.fixture(scope="module")
def population():
    return simulate_series(80, (200, 260), np.random.default_rng(71041), 0.3)


@pytest.fixture(scope="module")
def scores(population):
    ids = population[0]["series_id"].unique()
    return pd.DataFrame(
        {
            "series_id": ids,
            "n_windows": 20,
            "anomaly_score": 0.0,
            "surprise": np.linspace(0, 9, len(ids)),
            "normal_share": 0.5,
            "view": "window",
            "is_flagged": False,
            "model": "m",
        }
    )


def test_short_histories_get_a_row_in_their_place(scores, population):
    judged = scores[~scores["series_id"].isin([0, 17])]
    table = with_short_series(judged, population[0]["series_id"].to_numpy(), "m")
    assert table["series_id"].tolist() == scores["series_id"].tolist()
    assert table.loc[[0, 17], "n_windows"].tolist() == [0, 0]
    assert table.loc[[0, 17], ["surprise", "anomaly_score", "normal_share"]].isna().all(axis=None)
    assert not table.loc[[0, 17], "is_flagged"].any()
    pd.testing.assert_frame_equal(table.drop([0, 17]).reset_index(drop=True), judged.reset_index(drop=True))


def test_nothing_judged_lists_all(scores, population):
    table = with_short_series(scores.head(0), population[0]["series_id"].to_numpy(), "m")
    assert len(table) == 80 and (table["n_windows"] == 0).all()
    assert with_short_series(scores, population[0]["series_id"].to_numpy(), "m") is scores


def test_highly_ranked_and_flagged_histories_are_explained(scores, population, monkeypatch):
    monkeypatch.setattr(explained, "MAX_EXPLAINED", 5)
    marked = scores.assign(is_flagged=scores["series_id"] == 3)
    norms = Norms.learn(population[0])
    table = with_reasons(marked, population[0], norms)
    asked = table["kind"] != ""
    assert to_explain(marked) == set(table.loc[asked, "series_id"])
    needed = population[0][population[0]["series_id"].isin(to_explain(marked))]
    pd.testing.assert_frame_equal(with_reasons(marked, needed, norms), table)
    assert table.loc[asked, "series_id"].tolist() == [3, 75, 76, 77, 78, 79]
    assert (table.loc[asked, "evidence"] != "").all()
    assert table.loc[~asked, "onset_h"].isna().all() and not table.loc[~asked, "is_acquisition"].any()


def test_published_scores_are_ranked_by_their_share(scores, population, monkeypatch):
    monkeypatch.setattr(explained, "MAX_EXPLAINED", 1)
    share = np.where(scores["series_id"] == 11, 0.4, 0.0)
    published = scores.assign(surprise=np.nan, anomaly_score=share)
    table = with_reasons(published, population[0], Norms.learn(population[0]))
    assert table.loc[table["kind"] != "", "series_id"].tolist() == [11]


def test_without_norms_nothing_is_explained(scores, population):
    table = with_reasons(scores, population[0], None)
    assert set(table["kind"]) == {""} and table["onset_h"].isna().all()


def test_events_of_other_cells_do_not_count(scores, population, monkeypatch):
    seen = {}
    monkeypatch.setattr(
        explained,
        "explain_history",
        lambda rows, norms, events: (
            seen.update({int(rows["series_id"].iloc[0]): len(events)}) or explained.NOT_ASKED
        ),
    )
    cell = int(population[0].loc[population[0]["series_id"] == 9, "cell_id"].iloc[0])
    events = pd.DataFrame({"kind": ["death", "death"], "time_h": [1.0, 2.0], "cell_id": [cell, -7]})
    with_reasons(scores, population[0], Norms.learn(population[0]), events)
    assert seen[9] == 1 and sum(seen.values()) == 1
