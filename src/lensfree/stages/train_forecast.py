"""Stage train_forecast: the shipped forecaster, from simulated histories."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from lensfree.config import ScoreConfig, TrainScoreConfig
from lensfree.contracts import SERIES
from lensfree.io.tables import write_table
from lensfree.nets.forecaster_card import relabel
from lensfree.simulate.series import simulate_series
from lensfree.stages import train_score


def run(
    *, out: Path, work: Path, config: TrainScoreConfig, score: ScoreConfig, card: Mapping[str, str]
) -> None:
    """Simulate the histories, train on them as on a user's own, and name the result."""
    series = training_series(config)
    write_table(work / "series.parquet", series, SERIES)
    train_score.run(
        series=[work / "series.parquet"],
        out=work / "own.safetensors",
        config=config,
        score_config=score.model_copy(update={"model": "own", "method": "stardusts"}),
        checkpoint=work / "state.pt",
        shipped=None,
        dataset="simulated",
    )
    trained_on = f"shipped, {config.simulated_series} simulated histories, seed {config.seed}"
    relabel(work / "own.safetensors", out, name=card["name"], version=card["version"], trained_on=trained_on)


def training_series(config: TrainScoreConfig) -> pd.DataFrame:
    """Return the simulated histories (table of series) that the shipped forecaster learns from."""
    rng = np.random.default_rng(config.seed)
    return simulate_series(config.simulated_series, config.simulated_points, rng, config.simulated_abnormal)[
        0
    ]
