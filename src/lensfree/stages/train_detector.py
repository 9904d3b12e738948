"""Stage train_detector: the shipped detector, from simulated histories of many laboratories."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lensfree.anomaly.windows import cut_windows
from lensfree.config import ScoreConfig, TrainScoreConfig
from lensfree.simulate.laboratory import laboratory_of_series, simulate_laboratories
from lensfree.stages.detector_file import METHOD, relabel_detector
from lensfree.stages.plus_training import train_plus


def run(
    *, out: Path, work: Path, config: TrainScoreConfig, score: ScoreConfig, card: Mapping[str, str]
) -> None:
    """Simulate the histories, fit a detector to them as to a user's own, and name the result.

    What is normal is learnt for each laboratory by itself, as it is where the detector will be used.
    """
    series = simulate_laboratories(
        config.simulated_laboratories,
        config.laboratory_series,
        config.simulated_points,
        np.random.default_rng(config.seed),
        config.simulated_abnormal,
    )
    asked = score.model_copy(update={"method": METHOD, "channels": ()})
    work.mkdir(parents=True, exist_ok=True)
    train_plus(
        cut_windows(series, asked),
        series,
        work / "own.safetensors",
        config,
        asked,
        dataset="simulated",
        population_of=laboratory_of_series(config.simulated_laboratories, config.laboratory_series),
    )
    trained_on = (
        f"shipped, {config.laboratory_series} simulated histories of {config.simulated_laboratories} "
        f"laboratories, seed {config.seed}"
    )
    relabel_detector(
        work / "own.safetensors", out, trained_on=trained_on, name=card["name"], version=card["version"]
    )
