"""How well a ranking of histories finds the abnormal ones, for several forecasters on the same windows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Candidate:
    """A forecaster with its window threshold tau_w, standardised units."""

    forecast: Forecaster
    tau: float


def candidate(
    forecast: Forecaster, training: Windows, config: ScoreConfig, *, mean_pg: float, sd_pg: float
) -> Candidate:
    """Give a forecaster the threshold that follows from its own errors on the training windows (Eq. 6)."""
    mse = forecast_mse(training, forecast, mean_pg=mean_pg, sd_pg=sd_pg)
    return Candidate(forecast, window_threshold(mse, config.sigma_count))


def compare_forecasters(
    candidates: Mapping[str, Candidate],
    unseen: Windows,
    labels: pd.DataFrame,
    config: ScoreConfig,
    *,
    mean_pg: float,
    sd_pg: float,
) -> pd.DataFrame:
    """Score the same unseen windows by the published rule with each forecaster.

    Args:
        candidates: name to forecaster with threshold.
        unseen: windows to judge.
        labels: columns `series_id`, `is_abnormal` of the unseen histories.
        config: section `score`.
        mean_pg: mean of the training points [pg].
        sd_pg: their sd [pg].

    Returns:
        One row per forecaster: `forecaster`, `tau`, `mse` (unseen windows), `auc_by_score` (ranking by A,
        the published rule), `auc_by_mean_mse` (ranking by mean MSE), `precision` (of the flags, nan if
        nothing is flagged), `recall`, `n_series`, `n_abnormal`.
    """
    rows = []
    for name, each in candidates.items():
        judged, scores = score_windows(
            unseen,
            each.forecast,
            mean_pg=mean_pg,
            sd_pg=sd_pg,
            tau=each.tau,
            flag_above=config.flag_above,
            model=name,
        )
        found = scores.merge(labels[["series_id", "is_abnormal"]], on="series_id")
        n_right = int((found["is_flagged"] & found["is_abnormal"]).sum())
        n_flagged = int(found["is_flagged"].sum())
        rows.append(
            {
                "forecaster": name,
                "tau": each.tau,
                "mse": float(judged["forecast_mse"].mean()),
                "auc_by_score": cell_auc(scores.set_index("series_id")["anomaly_score"], labels),
                "auc_by_mean_mse": cell_auc(mean_mse(judged), labels),
                "precision": n_right / n_flagged if n_flagged else float("nan"),
                "recall": n_right / int(found["is_abnormal"].sum()),
                "n_series": len(found),
                "n_abnormal": int(found["is_abnormal"].sum()),
            }
        )
    return pd.DataFrame(rows)
