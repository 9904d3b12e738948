"""The score of known mistakes is known."""

import sys

import cases
import numpy as np
import pandas as pd
import pytest

from lensfree.tracks.scoring import TrackCounts, count_tracks, score_tracks

pytest.importorskip("traccuracy")


def score(tracks, truth, history_h=10.0):
    return score_tracks(tracks, truth, max_distance_um=3.0, history_h=history_h)


@pytest.fixture
def truth():
    """Four pairs of mother and daughter of 13 h and more: two of the founder, two of the first daughter."""
    return cases.two_generations()


def test_the_truth_is_perfect(truth):
    renamed = truth.assign(**{name: truth[name] + 70 for name in ("cell_id", "lineage_id")})
    renamed["parent_id"] = np.where(truth["parent_id"] < 0, -1, truth["parent_id"] + 70)
    found = score(renamed, truth)
    assert (found["n_histories"], found["n_divisions"]) == (4, 2)
    assert [found[name] for name in ("link_f1", "division_f1", "complete_tracks", "md30")] == [1, 1, 1, 1]


def test_a_lost_mother_costs_her_division_and_its_histories(truth):
    found = score(truth.assign(parent_id=truth["parent_id"].where(truth["cell_id"] < 3, -1)), truth)
    assert found["division_recall"] == 0.5 and found["division_precision"] == 1.0
    assert found["md30"] == 0.5
    assert found["complete_tracks"] == 1.0


def test_two_cells_that_are_swapped_cost_their_histories(truth):
    swap = {3: 4, 4: 3}
    late = truth["frame"] >= 100
    tracks = truth.assign(cell_id=truth["cell_id"].where(~late, truth["cell_id"].replace(swap)))
    found = score(tracks, truth)
    assert found["md30"] == 0.5 and found["division_f1"] == 1.0
    links = len(truth) - 1
    assert found["link_f1"] == pytest.approx((links - 2) / links)


def test_a_division_one_frame_late_counts_as_division_but_not_as_history(truth):
    first_of_heir = (truth["cell_id"] == 1) & (truth["frame"] == 40)
    tracks = truth.assign(
        cell_id=truth["cell_id"].mask(first_of_heir, 0), parent_id=truth["parent_id"].mask(first_of_heir, -1)
    )
    tracks = tracks[~((truth["cell_id"] == 2) & (truth["frame"] == 40))]
    found = score(tracks, truth)
    assert found["division_f1"] == 1.0
    assert found["md30"] == 0.0  # the heir lacks a frame as daughter of the first, as mother in the second


def test_missed_cells_are_forgiven_in_histories(truth):
    found = score(truth[~truth["frame"].isin([30, 70])], truth)
    assert found["md30"] == 1.0 and found["link_f1"] == 1.0


def test_no_divisions_is_not_a_perfect_score():
    walk = cases.straight_walk()
    found = score(walk, walk)
    assert np.isnan(found["division_f1"]) and np.isnan(found["md30"]) and found["link_f1"] == 1.0


def test_a_missing_column_is_named(truth):
    with pytest.raises(ValueError, match=r"tracks lacks the columns \['parent_id'\]; expected"):
        score(truth.drop(columns="parent_id"), truth)


def test_a_doubled_cell_is_named(truth):
    doubled = truth.assign(cell_id=truth["cell_id"].replace({2: 1}))
    with pytest.raises(ValueError, match="cell 1 of truth occurs twice in frame 40"):
        score(truth, doubled)


def test_without_traccuracy_the_remedy_is_said(truth, monkeypatch):
    monkeypatch.setitem(sys.modules, "traccuracy", None)
    with pytest.raises(ImportError, match=r"needs traccuracy.*pip install 'lensfree\[dev\]'"):
        score(truth, truth)


def test_counts_of_two_acquisitions_add_up(truth):
    """Scores of the sum are those of both acquisitions in one table, side by side."""
    wrong = truth.assign(parent_id=truth["parent_id"].where(truth["cell_id"] < 3, -1))
    settings = dict(max_distance_um=3.0, history_h=10.0)
    pooled = count_tracks(truth, truth, **settings) + count_tracks(wrong, truth, **settings)

    def beside(one, other):
        moved = other.assign(x_um=other["x_um"] + 1e4, cell_id=other["cell_id"] + 50)
        moved["parent_id"] = np.where(other["parent_id"] < 0, -1, other["parent_id"] + 50)
        return pd.concat([one, moved], ignore_index=True)

    assert pooled == count_tracks(beside(truth, wrong), beside(truth, truth), **settings)
    assert pooled.scores()["division_recall"] == 0.75
    assert TrackCounts() + pooled == pooled


def test_found_and_true_links_are_counted_apart(truth):
    """A link across a missed frame is one link found and two true ones."""
    gapped = truth[~((truth["cell_id"] == 0) & (truth["frame"] == 20))]
    counts = count_tracks(gapped, truth, max_distance_um=3.0)
    assert (counts.links_true, counts.links_true_right) == (len(truth) - 1, len(truth) - 1)
    assert (counts.links_found, counts.links_found_right) == (len(truth) - 2, len(truth) - 2)


def test_wrong_divisions_alone_score_0_and_none_at_all_nothing():
    scores = TrackCounts(divisions_found=3, divisions_true=2).scores()
    assert (scores["division_precision"], scores["division_recall"], scores["division_f1"]) == (0, 0, 0)
    none = TrackCounts(divisions_found=0, divisions_true=2).scores()
    assert np.isnan(none["division_f1"]) and none["division_recall"] == 0
