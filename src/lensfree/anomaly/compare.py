"""How well a ranking of histories finds the abnormal ones, for several forecasters on the same windows."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from sklearn.metrics import roc_auc_score

from lensfree.anomaly.score import Forecaster, forecast_mse, mean_mse, score_windows
from lensfree.anomaly.thresholds import window_threshold
from lensfree.anomaly.windows import Windows
from lensfree.config import ScoreConfig


def cell_auc(ranking: pd.Series, labels: pd.DataFrame) -> float:
    """Return the ROC AUC of a ranking: how often an abnormal history ranks above a normal one.

    Ties count half. Only histories that have a rank enter: those shorter than a window have none.

    Args:
        ranking: a number per history, indexed by series_id, higher = more abnormal.
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
            "the AUC compares the two"
        )
    return float(roc_auc_score(truth, ranking))


def compare_forecasters(
    forecasters: Mapping[str, Forecaster],
    training: Windows,
    unseen: Windows,
    labels: pd.DataFrame,
    config: ScoreConfig,
    *,
    mean_pg: float,
    sd_pg: float,
) -> pd.DataFrame:
    """Score the same unseen windows by the published rule with each forecaster.

    Each forecaster gets its own tau_w, from its own errors on the training windows.

    Args:
        forecasters: name to forecaster.
        training: windows that set the thresholds.
        unseen: windows to judge.
        labels: columns `series_id`, `is_abnormal` of the unseen histories.
        config: section `score`.
        mean_pg: mean of the training points [pg].
        sd_pg: their sd [pg].

    Returns:
        One row per forecaster: `forecaster`, `tau`, `mse` (unseen windows), `auc_by_score` (ranking by A,
        the published rule), `auc_by_mean_mse` (ranking by mean MSE), `precision`, `recall` (of the flags),
        `n_series`, `n_abnormal`.
    """
    rows = []
    for name, forecast in forecasters.items():
        tau = window_threshold(
            forecast_mse(training, forecast, mean_pg=mean_pg, sd_pg=sd_pg), config.sigma_count
        )
        judged, scores = score_windows(
            unseen, forecast, mean_pg=mean_pg, sd_pg=sd_pg, tau=tau, flag_above=config.flag_above, model=name
        )
        found = scores.merge(labels[["series_id", "is_abnormal"]], on="series_id")
        n_right = int((found["is_flagged"] & found["is_abnormal"]).sum())
        rows.append(
            {
                "forecaster": name,
                "tau": tau,
                "mse": float(judged["forecast_mse"].mean()),
                "auc_by_score": cell_auc(scores.set_index("series_id")["anomaly_score"], labels),
                "auc_by_mean_mse": cell_auc(mean_mse(judged), labels),
                "precision": n_right / max(int(found["is_flagged"].sum()), 1),
                "recall": n_right / int(found["is_abnormal"].sum()),
                "n_series": len(found),
                "n_abnormal": int(found["is_abnormal"].sum()),
            }
        )
    return pd.DataFrame(rows)
