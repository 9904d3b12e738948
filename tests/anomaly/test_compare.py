"""Measures of a judgement against the truth, on tables small enough to count by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from lensfree.anomaly.compare import are_windows_abnormal, cell_auc, compare, recall_at_precision
from lensfree.anomaly.methods import Judgement
from lensfree.config import ScoreConfig

CONFIG = ScoreConfig()
NAN = float("nan")


def labels_of(is_abnormal, onset_h=None):
    return pd.DataFrame(
        {
            "series_id": np.arange(len(is_abnormal)),
            "is_abnormal": is_abnormal,
            "onset_h": onset_h or [10.0 if one else NAN for one in is_abnormal],
        }
    )


def judged(score, is_flagged, **others):
    ids = np.arange(len(score))
    cells = pd.DataFrame({"series_id": ids, "score": score, "is_flagged": is_flagged} | others)
    return Judgement(cells, pd.DataFrame({"series_id": ids, "start_h": 0.0, "score": score}))


def test_cell_auc_counts_pairs_and_halves_ties():
    ranking = pd.Series([0.0, 0.0, 0.5, 0.2], index=[4, 7, 1, 2])
    labels = pd.DataFrame({"series_id": [1, 2, 4, 7, 99], "is_abnormal": [True, False, True, False, True]})
    assert cell_auc(ranking, labels) == pytest.approx((1 + 1 + 0 + 0.5) / 4)


def test_cell_auc_refuses_a_series_without_a_label():
    labels = pd.DataFrame({"series_id": [1], "is_abnormal": [True]})
    with pytest.raises(ValueError, match="1 of 2 ranked series have no label"):
        cell_auc(pd.Series([0.1, 0.2], index=[1, 2]), labels)


def test_cell_auc_refuses_a_single_class():
    labels = pd.DataFrame({"series_id": [1, 2], "is_abnormal": [False, False]})
    with pytest.raises(ValueError, match="got 0 abnormal of 2 series"):
        cell_auc(pd.Series([0.1, 0.2], index=[1, 2]), labels)


def test_measures_of_a_judgement_counted_by_hand():
    labels = labels_of([True, True, True, False, False, False])
    scores = [0.9, 0.7, 0.1, 0.8, 0.2, 0.3]
    found = compare(judged(scores, [True, True, False, True, False, False]), labels, CONFIG)
    assert found["cell_auc"] == pytest.approx((3 + 2 + 0) / 9)
    assert found["cell_ap"] == pytest.approx((1 + 2 / 3 + 3 / 6) / 3)
    assert found["precision"] == pytest.approx(2 / 3) and found["recall"] == pytest.approx(2 / 3)
    assert found["recall_at_precision_096"] == pytest.approx(1 / 3)
    assert found["flagged_normal"] == pytest.approx(1 / 3)


def test_other_rankings_are_measured_beside_the_first():
    labels = labels_of([True, True, False, False])
    found = compare(judged([0.0, 1.0, 0.0, 0.0], [False] * 4, score_mse=[4.0, 3.0, 2.0, 1.0]), labels, CONFIG)
    assert found["cell_auc"] == pytest.approx(3 / 4) and found["cell_auc_mse"] == 1.0
    assert found["cell_ap"] < found["cell_ap_mse"] == 1.0


def test_without_flags_there_is_no_precision_and_recall_is_zero():
    found = compare(judged([2.0, 1.0], [False, False]), labels_of([True, False]), CONFIG)
    assert math.isnan(found["precision"]) and found["recall"] == 0.0


@pytest.mark.parametrize(
    ("abnormal", "score", "precision", "recall"),
    [
        ([0, 2], [5.0, 4.0, 3.0, 2.0], 1.0, 0.5),
        ([0, 2], [5.0, 4.0, 3.0, 2.0], 0.6, 1.0),
        # All are equal: one threshold flags all, none flags some.
        ([0, 2], [1.0, 1.0, 1.0, 1.0], 0.5, 1.0),
        ([0, 2], [1.0, 1.0, 1.0, 1.0], 0.6, 0.0),
        # The first is normal: no threshold is more precise than that of the three first.
        ([1, 2], [5.0, 4.0, 3.0, 2.0], 0.6, 1.0),
        ([1, 2], [5.0, 4.0, 3.0, 2.0], 0.7, 0.0),
    ],
)
def test_recall_at_a_precision(abnormal, score, precision, recall):
    is_abnormal = np.isin(np.arange(4), abnormal)
    assert recall_at_precision(is_abnormal, np.array(score), precision) == recall


def test_a_window_is_abnormal_once_it_reaches_beyond_the_onset():
    windows = pd.DataFrame({"series_id": [0, 0, 0, 1, 2], "start_h": [0.0, 1 / 6, 1 / 3, 50.0, 0.0]})
    # The last of the 180 points of the first window is at 179/6 h.
    labels = labels_of([True, False, True], [179 / 6 + 1 / 12, NAN, 0.0])
    assert are_windows_abnormal(windows, labels, CONFIG).tolist() == [False, True, True, False, True]
    hourly = CONFIG.model_copy(update={"interval_min": 60.0})
    assert are_windows_abnormal(windows, labels, hourly).tolist() == [True, True, True, False, True]


def test_the_auc_of_windows_is_over_windows():
    cells = pd.DataFrame({"series_id": [0, 1], "score": [1.0, 0.0], "is_flagged": False})
    windows = pd.DataFrame(
        {"series_id": [0, 0, 1, 1], "start_h": [0.0, 40.0, 0.0, 1.0], "score": [0.0, 2.0, 3.0, 1.0]}
    )
    labels = labels_of([True, False], [60.0, NAN])
    assert compare(Judgement(cells, windows), labels, CONFIG)["window_auc"] == pytest.approx(2 / 3)
