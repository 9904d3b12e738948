"""Histories behind tracking, labelled by the cells that they really follow."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lensfree.config import Config, EvaluateConfig
from lensfree.stages.score_chain import WRONG_LINK, label_histories, tracked_histories

STEP_H = 0.5
TRUTH = pd.DataFrame(
    {
        "cell_id": [1, 2, 3, 4],
        "parent_id": [-1, 1, 1, -1],
        "anomaly": ["", "", "giant", ""],
    }
).assign(time_h=0.0)


def followed(true_ids: list[int], cell_id: list[int] | None = None, shared: tuple[int, ...] = ()):
    """Return the series and the tracks of one history that followed these true cells."""
    n = len(true_ids)
    ids = cell_id or [7] * n
    time_h = STEP_H * np.arange(n)
    series = pd.DataFrame({"series_id": 5, "cell_id": ids, "time_h": time_h, "dry_mass_pg": 100.0})
    tracks = pd.DataFrame({"cell_id": ids, "time_h": time_h, "true_id": true_ids})
    return series, tracks.assign(is_shared=np.isin(np.arange(n), shared))


def label(*args, **more):
    (row,) = label_histories(*followed(*args, **more), TRUTH, STEP_H).to_dict("records")
    assert row["series_id"] == 5
    return row["is_abnormal"], row["kind"], row["onset_h"]


def test_a_mother_and_her_daughter_are_normal():
    assert label([1] * 6 + [2] * 6, [7] * 6 + [8] * 6)[:2] == (False, "")


def test_an_abnormal_cell_on_the_path_is_found_where_it_begins():
    assert label([1] * 6 + [3] * 6) == (True, "giant", 3.0)


@pytest.mark.parametrize("after", [4, 1])
def test_going_on_along_a_cell_that_is_no_daughter_is_a_wrong_link(after):
    assert label([2] * 6 + [after] * 6) == (True, WRONG_LINK, 3.0)


def test_a_cell_taken_for_another_for_a_moment_is_none():
    assert label([1] * 6 + [4] * 3 + [1] * 6)[0] is False
    assert label([1] * 6 + [4] * 4 + [1] * 6) == (True, WRONG_LINK, 3.0)


def test_ghosts_and_shares_of_fused_cells_say_nothing():
    assert label([1] * 6 + [-1] * 6 + [1] * 6)[0] is False
    assert label([1] * 6 + [4] * 5 + [1] * 6, shared=tuple(range(6, 11)))[0] is False


def test_a_history_that_is_never_seen_is_normal():
    assert label([-1] * 6)[0] is False


def test_a_tracked_culture_has_normal_and_abnormal_histories_and_a_seed_repeats_it():
    config = Config(evaluate=EvaluateConfig(track_frames=160, track_field_um=(700.0, 900.0)))
    one, other = (tracked_histories(config, (71020, 1)) for _ in range(2))
    assert one.series.equals(other.series) and one.labels.equals(other.labels)
    assert set(one.labels["series_id"]) == set(one.series["series_id"])
    assert 0.02 < one.labels["is_abnormal"].mean() < 0.6
    assert one.labels.loc[one.labels["is_abnormal"], "onset_h"].notna().all()
    assert not tracked_histories(config, (71021, 1)).series.equals(one.series)
