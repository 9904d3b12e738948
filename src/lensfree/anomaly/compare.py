"""How well a judgement finds the abnormal histories among others."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from lensfree.anomaly.methods import Judgement
from lensfree.config import ScoreConfig
from lensfree.units import MIN_PER_H

ASKED_PRECISION = 0.96
"""The precision of the paper's experiment 1; at it recall is compared."""


def truth_of(ranking: pd.Series, labels: pd.DataFrame) -> np.ndarray:
    """Return whether each ranked history is abnormal.

    Args:
        ranking: a number per history, indexed by series_id.
        labels: columns `series_id`, `is_abnormal`: the truth.

    Raises:
        ValueError: if a ranked history has no label or only one class is left.
    """
    truth = labels.set_index("series_id")["is_abnormal"].reindex(ranking.index)
    if truth.isna().any():
        raise ValueError(
            f"{int(truth.isna().sum())} of {len(truth)} ranked series have no label, expected one for each; "
            "use labels and scores of the same series table"
        )
    truth = truth.astype(bool)
    if truth.nunique() < 2:
        raise ValueError(
            f"got {int(truth.sum())} abnormal of {len(truth)} series, expected normal and abnormal ones; "
            "the measures compare the two"
        )
    return truth.to_numpy()


def cell_auc(ranking: pd.Series, labels: pd.DataFrame) -> float:
    """Return the ROC AUC of a ranking: how often an abnormal history ranks above a normal one.

    Ties count half. Only histories that have a rank enter: those shorter than a window have none.

    Args:
        ranking: a number per history, indexed by series_id, higher = more abnormal.
        labels: columns `series_id`, `is_abnormal`: the truth.

    Raises:
        ValueError: if a ranked history has no label or only one class is left.
    """
    return float(roc_auc_score(truth_of(ranking, labels), ranking))


def recall_at_precision(is_abnormal: np.ndarray, score: np.ndarray, precision: float) -> float:
    """Return the highest recall that a threshold with at least this precision gives, 0 if none does.

    Cells of equal score are on the same side of every threshold.
    """
    precisions, recalls, _ = precision_recall_curve(is_abnormal, score)
    # The last pair is a convention (precision 1 at recall 0), no threshold.
    return float(recalls[:-1][precisions[:-1] >= precision].max(initial=0.0))


def compare(judged: Judgement, labels: pd.DataFrame, config: ScoreConfig) -> dict[str, float]:
    """Return the measures of a judgement against the truth.

    Args:
        judged: the judgement.
        labels: columns `series_id`, `is_abnormal`, `onset_h`.
        config: section `score`, with the length of a window.

    Returns:
        `cell_auc`, `cell_ap`, `precision` and `recall` of the flags (precision nan if nothing is flagged),
        `flagged_normal` (share of normal cells), `recall_at_precision_096`, `window_auc`;
        `cell_auc_<other>` and `cell_ap_<other>` for other rankings.
    """
    cells = judged.cells.set_index("series_id")
    truth = truth_of(cells["score"], labels)
    found = {"cell_auc": float(roc_auc_score(truth, cells["score"]))}
    found["cell_ap"] = float(average_precision_score(truth, cells["score"]))
    for name in cells.columns[cells.columns.str.startswith("score_")]:
        other = name.removeprefix("score_")
        found[f"cell_auc_{other}"] = float(roc_auc_score(truth, cells[name]))
        found[f"cell_ap_{other}"] = float(average_precision_score(truth, cells[name]))
    is_flagged = cells["is_flagged"].to_numpy()
    found["precision"] = float(truth[is_flagged].mean()) if is_flagged.any() else float("nan")
    found["recall"] = float(is_flagged[truth].mean())
    found["flagged_normal"] = float(is_flagged[~truth].mean())
    found["recall_at_precision_096"] = recall_at_precision(truth, cells["score"].to_numpy(), ASKED_PRECISION)
    is_abnormal = are_windows_abnormal(judged.windows, labels, config)
    found["window_auc"] = float(roc_auc_score(is_abnormal, judged.windows["score"]))
    return found


def are_windows_abnormal(windows: pd.DataFrame, labels: pd.DataFrame, config: ScoreConfig) -> np.ndarray:
    """Return whether each window reaches beyond the onset of its history's anomaly.

    Args:
        windows: columns `series_id`, `start_h`.
        labels: columns `series_id`, `onset_h` (NaN for normal histories).
        config: section `score`, with the length of a window.
    """
    last_h = (config.input_points + config.target_points - 1) * config.interval_min / MIN_PER_H
    onset_h = labels.set_index("series_id")["onset_h"].reindex(windows["series_id"]).to_numpy()
    return np.asarray(windows["start_h"].to_numpy() + last_h > onset_h)
