"""Stage score: dry-mass histories and a forecaster -> judged windows and anomaly scores."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from lensfree.anomaly.score import score_windows
from lensfree.anomaly.windows import cut_windows
from lensfree.config import ScoreConfig
from lensfree.contracts import SCORES, SERIES, WINDOWS
from lensfree.io.tables import read_table, write_table
from lensfree.nets.forecaster import ForecasterCard, build_forecaster, forecast, load_forecaster
from lensfree.nets.registry import ModelError


def run(
    *,
    series: Path,
    model: Path,
    windows_out: Path,
    scores_out: Path,
    config: ScoreConfig,
    provenance: Mapping[str, Any],
) -> None:
    """Score every history that is at least one window long; shorter ones get no row.

    Raises:
        ModelError: if the model was trained for other windows than the configured ones.
    """
    state, card = load_forecaster(model)
    forecaster = build_forecaster(state)
    lengths = (forecaster.input_points, forecaster.target_points)
    _check_windows(model, card, lengths, config)
    windows = cut_windows(read_table(series, SERIES), config)
    judged, scores = score_windows(
        windows,
        partial(forecast, forecaster),
        mean_pg=card.mean_pg,
        sd_pg=card.sd_pg,
        tau=card.tau,
        flag_above=config.flag_above,
        model=card.trained_on,
    )
    stated = {
        **provenance,
        "model": card.trained_on,
        "tau": card.tau,
        "mean_pg": card.mean_pg,
        "sd_pg": card.sd_pg,
    }
    write_table(windows_out, judged, WINDOWS, provenance=stated)
    write_table(scores_out, scores, SCORES, provenance=stated)


def _check_windows(model: Path, card: ForecasterCard, lengths: tuple[int, int], config: ScoreConfig) -> None:
    trained = (*lengths, card.interval_min, card.smoothing_points)
    wanted = (config.input_points, config.target_points, config.interval_min, config.smoothing_points)
    if trained != wanted:
        raise ModelError(
            f"{model}: trained for input_points, target_points, interval_min, smoothing_points = {trained}, "
            f"the section score says {wanted}; retrain it or restore the section"
        )
