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
from lensfree.nets.forecaster import forecast
from lensfree.nets.forecaster_card import load_forecaster


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
    forecaster, card = load_forecaster(model)
    card.check(config)
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
    used = {"model": card.trained_on, "tau": card.tau, "mean_pg": card.mean_pg, "sd_pg": card.sd_pg}
    write_table(windows_out, judged, WINDOWS, provenance={**provenance, **used})
    write_table(scores_out, scores, SCORES, provenance={**provenance, **used})
