"""Stage score: dry-mass histories and a model -> judged windows, anomaly scores, and why."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lensfree.anomaly.explained import to_explain, with_reasons, with_short_series
from lensfree.anomaly.score import score_windows
from lensfree.anomaly.split import deduplicated, mean_and_sd
from lensfree.anomaly.windows import CHANNELS, Windows, cut_windows
from lensfree.config import ScoreConfig
from lensfree.contracts import LINEAGE_EVENTS, SCORES, SERIES, WINDOWS
from lensfree.io.tables import empty_table, read_table, table_in_parts, write_table
from lensfree.model_files import ModelError
from lensfree.nets.forecaster import forecast
from lensfree.nets.forecaster_card import load_forecaster
from lensfree.stages.detector_file import load_detector, read_norms
from lensfree.stages.plus_training import learn_norms
from lensfree.stages.series_file import SeriesFile
from lensfree.units import MIN_PER_H

logger = logging.getLogger(__name__)

LIKELY_RATIO = 30.0
"""Median dry mass of two populations of animal cells differs by less; pg and fg differ by 1000."""

ROWS_FOR_NORMS = 400_000
"""Of a model that does not know what is normal, norms are learnt from so many points at most."""

Judged = tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]
Tables = tuple[pd.DataFrame, pd.DataFrame]


@dataclass(frozen=True)
class _Judge:
    """A loaded model.

    Attributes:
        begin: judges windows, given the table of the histories that they were cut from, as far as this
            process can; the rest is done when what it returns is called.
        name: of the model.
        trained_pg: dry mass that it counts as usual [pg].
        used: what it judges by, for the provenance.
    """

    begin: Callable[[Windows, pd.DataFrame], Callable[[], Tables]]
    name: str
    trained_pg: float
    used: dict[str, Any]

    def check_unit(self, median_pg: float) -> None:
        """Refuse histories whose dry mass cannot have the unit of the training."""
        if not 1 / LIKELY_RATIO < median_pg / self.trained_pg < LIKELY_RATIO:
            raise ModelError(
                f"the series have a median dry mass of {median_pg:.4g} pg, model '{self.name}' was trained "
                f"at {self.trained_pg:.4g} pg: they do not have the same unit; check opd_unit and "
                "pixel_pitch_um of the sheet, or let score.model be 'own'"
            )


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

    Some histories are read, judged and written at a time: of all rows only series_id and dry mass are held.
    `stardusts` standardised per split holds all.

    Raises:
        ModelError: if the model was trained for other windows than the configured ones, for another
            method, or on dry mass in another unit.
    """
    histories = SeriesFile(series, [CHANNELS[name] for name in config.channels])
    judging = _load(model, config, lambda: cut_windows(histories.whole(), config))
    made = {**provenance, **judging.used}
    parts: list[pd.DataFrame] = []
    with table_in_parts(windows_out, WINDOWS, provenance=made) as add:
        for judged, judged_series in _in_blocks(histories, judging, config):
            add(judged)
            parts.append(judged_series)
    scores = with_short_series(
        pd.concat(parts, ignore_index=True), histories.series_id, judging.used["model"]
    )
    logger.info("%s", counted(scores, config))
    norms = read_norms(model) or learn_norms(histories.evenly(ROWS_FOR_NORMS))
    asked = histories.of(to_explain(scores))
    scores = with_reasons(scores, asked, norms, read_table(events, LINEAGE_EVENTS))
    write_table(scores_out, scores, SCORES, provenance=made)


def judge(windows: Windows, series: pd.DataFrame, model: Path, config: ScoreConfig) -> Judged:
    """Return judged windows, judged histories and what they were judged by; `score.method` says how.

    Raises:
        ModelError: as `run`.
    """
    judging = _load(model, config, lambda: windows)
    if len(windows):
        judging.check_unit(windows.median_pg())
    judged, scores = judging.begin(windows, series)()
    return judged, scores, judging.used


def _in_blocks(histories: SeriesFile, judging: _Judge, config: ScoreConfig) -> Iterator[Tables]:
    """Yield judged windows and judged histories; at least once, so that there are columns.

    While other processes finish a block, this one reads and cuts the next.
    """
    judged: Callable[[], Tables] | None = None
    for block in histories.blocks():
        windows = cut_windows(block, config)
        if len(windows) == 0:
            continue
        if judged is None:
            judging.check_unit(histories.median_pg)
        else:
            yield judged()
        judged = judging.begin(windows, block)
    if judged is None:
        lacking = {CHANNELS[name]: np.empty(0) for name in config.channels}
        nothing = empty_table(SERIES).assign(**lacking)
        judged = judging.begin(cut_windows(nothing, config), nothing)
    yield judged()


def counted(scores: pd.DataFrame, config: ScoreConfig) -> str:
    """Return a sentence with how many histories were judged, were too short, and are flagged."""
    is_short = scores["n_windows"] == 0
    span_h = (config.input_points + config.target_points) * config.interval_min / MIN_PER_H
    return (
        f"{len(scores)} series: {int((~is_short).sum())} judged, {int(is_short.sum())} shorter than "
        f"{span_h:g} h and listed without a score, {int(scores['is_flagged'].sum())} flagged"
    )


def _load(model: Path, config: ScoreConfig, windows: Callable[[], Windows]) -> _Judge:
    """Return what judges; all windows are only cut for it where an acquisition has a scale of its own."""
    return _published(model, config, windows) if config.method == "stardusts" else _plus(model, config)


def _plus(model: Path, config: ScoreConfig) -> _Judge:
    plus, card = load_detector(model)
    card.check(config)
    used = {
        "model": card.trained_on,
        "tau": plus.tail_of_windows.threshold(config.alpha),
        "surprise_threshold": plus.tail.threshold(config.alpha),
        "unit_pg": card.unit_pg,
    }

    def begin(windows: Windows, series: pd.DataFrame) -> Callable[[], Tables]:
        begun = plus.begin(windows, series, config.alpha)

        def finish() -> Tables:
            judged, scores = begun()
            return judged, scores.assign(model=_same(card.trained_on, scores))

        return finish

    return _Judge(begin, card.name, card.unit_pg, used)


def _published(model: Path, config: ScoreConfig, windows: Callable[[], Windows]) -> _Judge:
    forecaster, card = load_forecaster(model)
    card.check(config)
    scale = {"mean_pg": card.mean_pg, "sd_pg": card.sd_pg}
    if config.normalisation == "per_split" and len(whole := windows()):
        scale = dict(zip(scale, mean_and_sd(deduplicated(whole)), strict=True))

    def begin(windows: Windows, _: pd.DataFrame) -> Callable[[], Tables]:
        judged, scores = score_windows(
            windows,
            partial(forecast, forecaster),
            **scale,
            tau=card.tau,
            flag_above=config.flag_above,
            model=card.trained_on,
            target=card.target,
        )
        scores = scores.assign(surprise=np.nan, normal_share=np.nan, view=_same("", scores))
        tables = judged.assign(surprise=np.nan), scores
        return lambda: tables

    return _Judge(begin, card.name, card.mean_pg, {"model": card.trained_on, "tau": card.tau, **scale})


def _same(text: str, table: pd.DataFrame) -> pd.Series:
    return pd.Series([text] * len(table), dtype=object, index=table.index)
