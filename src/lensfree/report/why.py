"""The words of a card: what is wrong, how rare that is, where to look, and how the cell lived."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lensfree.config import ScoreConfig
from lensfree.report.content import Place, Suspect
from lensfree.report.plain_words import rarity, view_in_words
from lensfree.report.spans import division_times_h, hours_of


def explain(suspect: Suspect, score: ScoreConfig, tau_w: float | None) -> str:
    """Say in words why a series stands where it stands: the evidence first, then what was odd for the method.

    Args:
        suspect: the ranked series with its windows.
        score: settings of the windows.
        tau_w: threshold on the MSE of a window, None if unknown; the published method's only.
    """
    evidence = suspect.evidence.strip()
    sentences = [f"{evidence[0].upper()}{evidence[1:]}."] if evidence else []
    if np.isfinite(suspect.surprise):
        sentences += [rarity(suspect.normal_share), view_in_words(suspect.view, score)]
        sentences.append(f"{_opening(suspect)}.")
    else:
        sentences.append(_forecast(suspect, score, tau_w))
    return " ".join(sentence for sentence in sentences if sentence)


def describe_life(suspect: Suspect) -> str:
    """Say how long a series is, how often the cell divided and how much of it was filled in."""
    series = suspect.series
    divisions = len(division_times_h(series))
    times = "no division" if divisions == 0 else "1 division" if divisions == 1 else f"{divisions} divisions"
    return (
        f"Followed from {series['time_h'].min():.1f} to {series['time_h'].max():.1f} h, {times}, "
        f"{series['is_filled'].mean():.0%} of the points filled across gaps."
    )


def describe_place(onset: Place | None, pixel_pitch_um: float) -> str:
    """Say where to look: frame, time, and place in um and in pixels of the OPD; empty if unknown."""
    if onset is None:
        return ""
    row, column = round(onset.y_um / pixel_pitch_um), round(onset.x_um / pixel_pitch_um)
    return (
        f"frame {onset.frame} ({onset.time_h:.1f} h), y {onset.y_um:.0f} µm, x {onset.x_um:.0f} µm "
        f"(row {row}, column {column}), cell {onset.cell_id}."
    )


def _opening(suspect: Suspect) -> str:
    windows = suspect.windows
    n_abnormal = int(windows["is_abnormal"].sum())
    if n_abnormal == 0:
        return f"None of {len(windows)} windows is abnormal"
    verb = "is" if n_abnormal == 1 else "are"
    return f"{n_abnormal} of {len(windows)} windows ({n_abnormal / len(windows):.0%}) {verb} abnormal"


def _forecast(suspect: Suspect, score: ScoreConfig, tau_w: float | None) -> str:
    windows = suspect.windows
    worst = windows.iloc[int(windows["forecast_mse"].to_numpy().argmax())]
    first_h, last_h = hours_of("forecast", score)
    begin_h, end_h = worst["start_h"] + first_h, worst["start_h"] + last_h
    against = ""
    if tau_w:
        against = f", {worst['forecast_mse'] / tau_w:.3g} times the threshold {tau_w:.3g}"
    return (
        f"{_opening(suspect)}. The forecast for {begin_h:.1f}–{end_h:.1f} h was the worst: its MSE is "
        f"{worst['forecast_mse']:.3g}{against}. {_describe_mass(suspect.series, begin_h, end_h)}"
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
