"""How often the kind and the onset that are told of a flagged history are right."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lensfree.anomaly.methods import Judgement
from lensfree.anomaly.norms import Norms
from lensfree.anomaly.reasons import explain_history
from lensfree.stages.score_sets import Histories

ONSET_H = 2.0
ALIKE = {"asymmetric_division": "abnormal_division", "three_way_division": "abnormal_division"}
"""Kinds of the simulation that one path cannot tell apart."""


def measure_reasons(training: Histories, test: Histories, judged: Judgement) -> dict[str, float]:
    """Return `kind_accuracy` and `onset_accuracy` over the abnormal histories that were flagged.

    Args:
        training: unlabelled histories that the norms are learnt from.
        test: the histories that were judged, with their truth.
        judged: the judgement of the test histories.
    """
    told = reasons_of_flagged(training, test, judged)
    if told.empty:
        return {"kind_accuracy": float("nan"), "onset_accuracy": float("nan")}
    return {
        "kind_accuracy": float((told["told_kind"] == told["kind"]).mean()),
        "onset_accuracy": float((told["told_onset_h"] - told["onset_h"]).abs().le(ONSET_H).mean()),
    }


def reasons_of_flagged(training: Histories, test: Histories, judged: Judgement) -> pd.DataFrame:
    """Return `series_id, kind, onset_h, told_kind, told_onset_h` of abnormal histories that were flagged."""
    norms = Norms.learn(training.series)
    flagged = judged.cells.loc[judged.cells["is_flagged"], "series_id"]
    right = test.labels[test.labels["is_abnormal"] & test.labels["series_id"].isin(flagged)]
    rows = dict(list(test.series[test.series["series_id"].isin(right["series_id"])].groupby("series_id")))
    reasons = [explain_history(rows[name], norms) for name in right["series_id"]]
    return pd.DataFrame(
        {
            "series_id": right["series_id"].to_numpy(np.int64),
            "kind": right["kind"].replace(ALIKE).to_numpy(object),
            "onset_h": right["onset_h"].to_numpy(float),
            "told_kind": np.array([reason.kind for reason in reasons], dtype=object),
            "told_onset_h": np.array([reason.onset_h for reason in reasons], dtype=float),
        }
    )
