"""Stage train_detector: the shipped detector, from simulated histories of many laboratories."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lensfree.config import ScoreConfig, TrainScoreConfig
from lensfree.contracts import SERIES
from lensfree.io.tables import write_table
from lensfree.simulate.laboratory import simulate_laboratories
from lensfree.stages import train_score
from lensfree.stages.detector_file import METHOD, relabel_detector


def run(
    *, out: Path, work: Path, config: TrainScoreConfig, score: ScoreConfig, card: Mapping[str, str]
) -> None:
    """Simulate the histories, fit a detector to them as to a user's own, and name the result."""
    series = simulate_laboratories(
        config.simulated_laboratories,
        config.laboratory_series,
        config.simulated_points,
        np.random.default_rng(config.seed),
        config.simulated_abnormal,
    )
    write_table(work / "series.parquet", series, SERIES)
    train_score.run(
        series=[work / "series.parquet"],
        out=work / "own.safetensors",
        config=config,
        score_config=score.model_copy(update={"model": "own", "method": METHOD, "channels": ()}),
        checkpoint=work / "state.pt",
        shipped=None,
        dataset="simulated",
    )
    trained_on = (
        f"shipped, {config.laboratory_series} simulated histories of {config.simulated_laboratories} "
        f"laboratories, seed {config.seed}"
    )
    relabel_detector(
        work / "own.safetensors", out, trained_on=trained_on, name=card["name"], version=card["version"]
    )
