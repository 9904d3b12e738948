"""Stage score: dry-mass histories and a model -> judged windows, anomaly scores, and why."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lensfree.anomaly.explained import with_reasons, with_short_series
from lensfree.anomaly.score import score_windows
from lensfree.anomaly.split import deduplicated, mean_and_sd
from lensfree.anomaly.windows import Windows, cut_windows
from lensfree.config import ScoreConfig
from lensfree.contracts import LINEAGE_EVENTS, SCORES, SERIES, WINDOWS
from lensfree.io.tables import read_table, write_table
from lensfree.model_files import ModelError
from lensfree.nets.forecaster import forecast
from lensfree.nets.forecaster_card import load_forecaster
from lensfree.stages.detector_file import load_detector, read_norms
from lensfree.stages.plus_training import learn_norms
from lensfree.units import MIN_PER_H

logger = logging.getLogger(__name__)

LIKELY_RATIO = 30.0
"""Median dry mass of two populations of animal cells differs by less; pg and fg differ by 1000."""

Judged = tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]


def run(
    *,
    series: Path,
    events: Path,
    model: Path,
    windows_out: Path,
    scores_out: Path,
    config: ScoreConfig,
    provenance: Mapping[str, Any],
) -> None:
    """Score every history that is at least one window long; shorter ones are listed with no windows.

    Raises:
        ModelError: if the model was trained for other windows than the configured ones, for another
            method, or on dry mass in another unit.
    """
    table = read_table(series, SERIES)
    judged, scores, used = judge(cut_windows(table, config), table, model, config)
    scores = with_short_series(scores, table, used["model"])
    logger.info("%s", counted(scores, config))
    norms = read_norms(model) or learn_norms(table)
    scores = with_reasons(scores, table, norms, read_table(events, LINEAGE_EVENTS))
    write_table(windows_out, judged, WINDOWS, provenance={**provenance, **used})
    write_table(scores_out, scores, SCORES, provenance={**provenance, **used})


def judge(windows: Windows, series: pd.DataFrame, model: Path, config: ScoreConfig) -> Judged:
    """Return judged windows, judged histories and what they were judged by; `score.method` says how.

    Raises:
        ModelError: as `run`.
    """
    return (_published if config.method == "stardusts" else _plus)(windows, series, model, config)


def counted(scores: pd.DataFrame, config: ScoreConfig) -> str:
    """Return a sentence with how many histories were judged, were too short, and are flagged."""
    is_short = scores["n_windows"] == 0
    span_h = (config.input_points + config.target_points) * config.interval_min / MIN_PER_H
    return (
        f"{len(scores)} series: {int((~is_short).sum())} judged, {int(is_short.sum())} shorter than "
        f"{span_h:g} h and listed without a score, {int(scores['is_flagged'].sum())} flagged"
    )


def _check_unit(windows: Windows, trained_pg: float, name: str) -> None:
    if len(windows) == 0:
        return
    ratio = windows.median_pg() / trained_pg
    if not 1 / LIKELY_RATIO < ratio < LIKELY_RATIO:
        raise ModelError(
            f"the series have a median dry mass of {windows.median_pg():.4g} pg, model '{name}' was trained "
            f"at {trained_pg:.4g} pg: they do not have the same unit; check opd_unit and pixel_pitch_um of "
            "the sheet, or let score.model be 'own'"
        )


def _plus(windows: Windows, series: pd.DataFrame, model: Path, config: ScoreConfig) -> Judged:
    plus, card = load_detector(model)
    card.check(config)
    _check_unit(windows, card.unit_pg, card.name)
    judged, scores = plus.judge(windows, series, config.alpha)
    used = {
        "model": card.trained_on,
        "tau": plus.tail_of_windows.threshold(config.alpha),
        "surprise_threshold": plus.tail.threshold(config.alpha),
        "unit_pg": card.unit_pg,
    }
    return judged, scores.assign(model=_same(card.trained_on, scores)), used


def _published(windows: Windows, series: pd.DataFrame, model: Path, config: ScoreConfig) -> Judged:
    forecaster, card = load_forecaster(model)
    card.check(config)
    scale = {"mean_pg": card.mean_pg, "sd_pg": card.sd_pg}
    _check_unit(windows, card.mean_pg, card.name)
    if config.normalisation == "per_split" and len(windows):
        scale = dict(zip(scale, mean_and_sd(deduplicated(windows)), strict=True))
    judged, scores = score_windows(
        windows,
        partial(forecast, forecaster),
        **scale,
        tau=card.tau,
        flag_above=config.flag_above,
        model=card.trained_on,
        target=card.target,
    )
    used = {"model": card.trained_on, "tau": card.tau, **scale}
    scores = scores.assign(surprise=np.nan, normal_share=np.nan, view=_same("", scores))
    return judged.assign(surprise=np.nan), scores, used


def _same(text: str, table: pd.DataFrame) -> pd.Series:
    return pd.Series([text] * len(table), dtype=object, index=table.index)
