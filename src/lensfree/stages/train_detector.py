"""Stage train_detector: the shipped detector (StArDusTS plus), from simulated histories."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lensfree.config import ScoreConfig, TrainScoreConfig
from lensfree.contracts import SERIES
from lensfree.io.tables import write_table
from lensfree.stages import train_score
from lensfree.stages.detector_file import METHOD, relabel_detector
from lensfree.stages.train_forecast import training_series


def run(
    *, out: Path, work: Path, config: TrainScoreConfig, score: ScoreConfig, card: Mapping[str, str]
) -> None:
    """Simulate the histories, fit a detector to them as to a user's own, and name the result."""
    write_table(work / "series.parquet", training_series(config), SERIES)
    train_score.run(
        series=[work / "series.parquet"],
        out=work / "own.safetensors",
        config=config,
        score_config=score.model_copy(update={"model": "own", "method": METHOD}),
        checkpoint=work / "state.pt",
        shipped=None,
        dataset="simulated",
    )
    trained_on = f"shipped, {config.simulated_series} simulated histories, seed {config.seed}"
    relabel_detector(
        work / "own.safetensors", out, trained_on=trained_on, name=card["name"], version=card["version"]
    )
