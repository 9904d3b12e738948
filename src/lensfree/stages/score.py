"""Stage score: dry-mass histories and a model -> judged windows, anomaly scores, and why."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lensfree.anomaly.explained import with_reasons, with_short_series
from lensfree.anomaly.score import score_windows
from lensfree.anomaly.windows import Windows, cut_windows
from lensfree.config import ScoreConfig
from lensfree.contracts import LINEAGE_EVENTS, SCORES, SERIES, WINDOWS
from lensfree.io.tables import read_table, write_table
from lensfree.nets.forecaster import forecast
from lensfree.nets.forecaster_card import load_forecaster
from lensfree.stages.detector_file import load_detector, read_norms
from lensfree.stages.plus_training import learn_norms


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
        ModelError: if the model was trained for other windows than the configured ones, or for
            another method.
    """
    table = read_table(series, SERIES)
    judge = _published if config.method == "stardusts" else _plus
    judged, scores, used = judge(cut_windows(table, config), model, config)
    scores = with_short_series(scores, table, used["model"])
    norms = read_norms(model) or learn_norms(table)
    scores = with_reasons(scores, table, norms, read_table(events, LINEAGE_EVENTS))
    write_table(windows_out, judged, WINDOWS, provenance={**provenance, **used})
    write_table(scores_out, scores, SCORES, provenance={**provenance, **used})


Judged = tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]


def _plus(windows: Windows, model: Path, config: ScoreConfig) -> Judged:
    plus, card = load_detector(model)
    card.check(config)
    judged, scores = plus.judge(windows, config.alpha)
    used = {
        "model": card.trained_on,
        "tau": plus.tail_of_windows.threshold(config.alpha),
        "surprise_threshold": plus.tail.threshold(config.alpha),
        "unit_pg": card.unit_pg,
    }
    return judged, scores.assign(model=_same(card.trained_on, scores)), used


def _published(windows: Windows, model: Path, config: ScoreConfig) -> Judged:
    forecaster, card = load_forecaster(model)
    card.check(config)
    judged, scores = score_windows(
        windows,
        partial(forecast, forecaster),
        mean_pg=card.mean_pg,
        sd_pg=card.sd_pg,
        tau=card.tau,
        flag_above=config.flag_above,
        model=card.trained_on,
    )
    used = {"model": card.trained_on, "tau": card.tau, "mean_pg": card.mean_pg, "sd_pg": card.sd_pg}
    scores = scores.assign(surprise=np.nan, normal_share=np.nan, view=_same("", scores))
    return judged.assign(surprise=np.nan), scores, used


def _same(text: str, table: pd.DataFrame) -> pd.Series:
    return pd.Series([text] * len(table), dtype=object, index=table.index)
