"""StArDusTS anomaly score: forecast error per window, share of abnormal windows per history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import pandas as pd

from lensfree.anomaly.windows import Windows

Forecaster = Callable[[np.ndarray], np.ndarray]
"""Standardised inputs (n, input_points) to standardised forecasts (n, target_points)."""

Target = Literal["smoothed", "raw"]

BLOCK = 8192


def forecast_mse(
    windows: Windows, forecast: Forecaster, *, mean_pg: float, sd_pg: float, target: Target = "smoothed"
) -> np.ndarray:
    """Return the MSE of forecast and target per window, StArDusTS Eq. 5.

    Windows go through the forecaster in blocks, so that memory does not grow with their number.

    Args:
        windows: n windows.
        forecast: the forecaster.
        mean_pg: mean of the forecaster's training points [pg].
        sd_pg: their sd [pg].
        target: the smoothed target, as the paper has it, or dry mass as measured, where short faults show.

    Returns:
        (n,) MSE in standardised units: 1 is the variance of the training points.

    Raises:
        ValueError: if the forecaster answers with another shape or with values that are not finite.
    """
    mse = np.empty(len(windows))
    scaled = windows.scaled(mean_pg, sd_pg)
    for start in range(0, len(windows), BLOCK):
        block = slice(start, start + BLOCK)
        part = scaled.take(block)
        targets = part.targets if target == "smoothed" else part.targets_raw
        forecasts = np.asarray(forecast(part.inputs))
        if forecasts.shape != targets.shape:
            raise ValueError(
                f"the forecaster answered with shape {forecasts.shape}, expected {targets.shape}; "
                "it was trained for other input_points or target_points"
            )
        mse[block] = np.mean(np.square(forecasts - targets, dtype=np.float64), axis=1)
    if not np.isfinite(mse).all():
        raise ValueError(
            f"{int((~np.isfinite(mse)).sum())} of {len(mse)} forecasts are not finite, expected none; "
            "the weights are damaged or training diverged"
        )
    return mse


def score_windows(
    windows: Windows,
    forecast: Forecaster,
    *,
    mean_pg: float,
    sd_pg: float,
    tau: float,
    flag_above: float,
    model: str,
    target: Target = "smoothed",
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Judge every window and every history.

    A window is abnormal when its MSE exceeds tau_w; the score of a history is A = abnormal windows /
    all windows (Eq. 7), and the history is flagged when A exceeds `flag_above`.

    Args:
        windows: windows of any number of histories, none included.
        forecast: the forecaster.
        mean_pg: mean of the forecaster's training points [pg].
        sd_pg: their sd [pg].
        tau: tau_w of the forecaster (Eq. 6), standardised units.
        flag_above: score above which a history is flagged.
        model: what the forecaster is and what it was trained on.
        target: what forecasts are judged by; that of tau.

    Returns:
        Tables under `contracts.WINDOWS` and `contracts.SCORES`.
    """
    mse = forecast_mse(windows, forecast, mean_pg=mean_pg, sd_pg=sd_pg, target=target)
    judged = pd.DataFrame(
        {
            "series_id": windows.series_id,
            "start_h": windows.start_h,
            "forecast_mse": mse,
            "is_abnormal": mse > tau,
        }
    )
    by_series = judged.groupby("series_id", sort=True)["is_abnormal"]
    scores = pd.DataFrame({"n_windows": by_series.size(), "anomaly_score": by_series.mean()}).reset_index()
    scores["n_windows"] = scores["n_windows"].astype(np.int64)
    scores["anomaly_score"] = scores["anomaly_score"].astype(np.float64)
    scores["is_flagged"] = scores["anomaly_score"] > flag_above
    scores["model"] = pd.Series([model] * len(scores), dtype=object, index=scores.index)
    return judged, scores


def mean_mse(judged: pd.DataFrame) -> pd.Series:
    """Return the mean forecast MSE per series_id: a ranking without the ties that A has at zero."""
    return judged.groupby("series_id", sort=True)["forecast_mse"].mean()
