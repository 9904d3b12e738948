"""How often kinds and onsets are right."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lensfree.anomaly.methods import Judgement
from lensfree.simulate.series import simulate_series
from lensfree.stages import score_reasons
from lensfree.stages.score_reasons import measure_reasons, reasons_of_flagged
from lensfree.stages.score_sets import Histories


@pytest.fixture(scope="module")
def histories():
    return tuple(
        Histories(*simulate_series(n, (200, 300), np.random.default_rng(seed), share))
        for seed, n, share in ((71031, 150, 0.1), (71032, 60, 0.5))
    )


def flagged(test: Histories, which: pd.Series) -> Judgement:
    return Judgement(
        pd.DataFrame({"series_id": test.labels["series_id"], "is_flagged": which}), pd.DataFrame()
    )


def test_the_truth_of_flagged_abnormal_cells_stands_beside_what_is_told(histories):
    training, test = histories
    is_abnormal = test.labels["is_abnormal"]
    told = reasons_of_flagged(training, test, flagged(test, is_abnormal))
    assert told["series_id"].tolist() == test.labels.loc[is_abnormal, "series_id"].tolist()
    assert not set(told["kind"]) & {"asymmetric_division", "three_way_division"}
    values = measure_reasons(training, test, flagged(test, is_abnormal))
    assert values["kind_accuracy"] == (told["kind"] == told["told_kind"]).mean() > 0.7
    late = (told["onset_h"] - told["told_onset_h"]).abs() > 2
    unclear = told["told_onset_h"].isna()
    assert values["onset_accuracy"] == pytest.approx(1 - (late | unclear).mean())


def test_flagged_normal_cells_do_not_count(histories):
    training, test = histories
    everything = measure_reasons(training, test, flagged(test, pd.Series([True] * 60)))
    assert everything == measure_reasons(training, test, flagged(test, test.labels["is_abnormal"]))


def test_wrong_kinds_are_wrong(histories, monkeypatch):
    training, test = histories
    real = score_reasons.explain_history
    monkeypatch.setattr(
        score_reasons,
        "explain_history",
        lambda rows, norms: real(rows.assign(dry_mass_pg=200.0), norms),
    )
    values = measure_reasons(training, test, flagged(test, test.labels["is_abnormal"]))
    assert values["kind_accuracy"] < 0.4


def test_without_flags_there_is_nothing_to_be_right_about(histories):
    training, test = histories
    values = measure_reasons(training, test, flagged(test, pd.Series([False] * 60)))
    assert np.isnan(values["kind_accuracy"]) and np.isnan(values["onset_accuracy"])
