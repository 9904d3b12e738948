"""Which series look wrong first, and a sentence that says why."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lensfree.config import ScoreConfig
from lensfree.report.content import Suspect
from lensfree.report.spans import division_times_h, hours_of


def rank_series(scores: pd.DataFrame, windows: pd.DataFrame, count: int) -> pd.DataFrame:
    """Return the most suspicious series, best first, with their mean MSE.

    The anomaly score decides, the mean MSE of the windows breaks ties, the identity breaks the rest,
    so that the same tables always give the same page. A series without windows has no score.

    Args:
        scores: the scores table.
        windows: the windows table.
        count: how many to return at most.
    """
    mean_mse = windows.groupby("series_id")["forecast_mse"].mean().rename("mean_mse")
    ranked = scores[scores["n_windows"] > 0].join(mean_mse, on="series_id")
    order = ["anomaly_score", "mean_mse", "series_id"]
    return ranked.sort_values(order, ascending=[False, False, True]).head(count).reset_index(drop=True)


def first_sharing_rank(ranked_cells: list[set[int]]) -> list[int | None]:
    """Return for each ranked series the rank (from 1) of the first better one with a cell in common."""
    return [
        next((other + 1 for other in range(index) if ranked_cells[other] & cells), None)
        for index, cells in enumerate(ranked_cells)
    ]


def explain(suspect: Suspect, score: ScoreConfig, tau_w: float | None) -> str:
    """Say in words why a series stands where it stands: share of windows, largest MSE, when, and the mass.

    Args:
        suspect: the ranked series with its windows.
        score: settings of the windows.
        tau_w: threshold on the MSE, None if unknown.
    """
    windows = suspect.windows
    n_abnormal = int(windows["is_abnormal"].sum())
    worst = windows.iloc[int(windows["forecast_mse"].to_numpy().argmax())]
    first_h, last_h = hours_of("forecast", score)
    begin_h, end_h = worst["start_h"] + first_h, worst["start_h"] + last_h
    if n_abnormal == 0:
        opening = f"None of {len(windows)} windows is abnormal"
    else:
        opening = f"{n_abnormal} of {len(windows)} windows ({n_abnormal / len(windows):.0%}) are abnormal"
    against = ""
    if tau_w:
        against = f", {worst['forecast_mse'] / tau_w:.3g} times the threshold {tau_w:.3g}"
    return (
        f"{opening}. The forecast for {begin_h:.1f}–{end_h:.1f} h was the worst: its MSE is "
        f"{worst['forecast_mse']:.3g}{against}. {_describe_mass(suspect.series, begin_h, end_h)}"
    )


def describe_life(suspect: Suspect) -> str:
    """Say how long a series is, how often the cell divided and how much of it was filled in."""
    series = suspect.series
    divisions = len(division_times_h(series))
    times = "no division" if divisions == 0 else "1 division" if divisions == 1 else f"{divisions} divisions"
    return (
        f"Followed from {series['time_h'].min():.1f} to {series['time_h'].max():.1f} h, {times}, "
        f"{series['is_filled'].mean():.0%} of the points filled across gaps."
    )


def _describe_mass(series: pd.DataFrame, begin_h: float, end_h: float) -> str:
    inside = series[series["time_h"].between(begin_h - 1e-6, end_h + 1e-6)]
    if inside.empty:
        return ""
    divisions = division_times_h(series)
    n_inside = sum(begin_h <= t <= end_h for t in divisions)
    end = max(1, len(inside) // 10)
    first_pg = float(np.median(inside["dry_mass_pg"].iloc[:end]))
    last_pg = float(np.median(inside["dry_mass_pg"].iloc[-end:]))
    divided = {0: "without dividing", 1: "with one division"}.get(n_inside, f"with {n_inside} divisions")
    return f"In those hours the dry mass went from {first_pg:.0f} to {last_pg:.0f} pg {divided}."
