"""Stage train_experiment: the histories of a data set -> a model of one method, a tenth held back."""

from __future__ import annotations

from pathlib import Path

from lensfree.config import ScoreConfig, TrainScoreConfig
from lensfree.stages import train_score
from lensfree.stages.detector_file import METHOD
from lensfree.stages.experiment_data import TEST, read_population
from lensfree.stages.plus_training import train_plus
from lensfree.stages.training_histories import choose


def run(
    *,
    series: list[Path],
    out: Path,
    config: TrainScoreConfig,
    score_config: ScoreConfig,
    checkpoint: Path,
    dataset: str,
) -> None:
    """Train on a data set's own histories, without the lineages of its test split.

    Args:
        series: tables of the acquisitions of the data set.
        out: file of the model.
        config: section `train_score`; its seed decides the split.
        score_config: section `score` with the method to train; `model` counts as `own`.
        checkpoint: where training keeps its state.
        dataset: name of the data set.

    Raises:
        ValueError: if the windows do not suffice for a model.
    """
    own = score_config.model_copy(update={"model": "own"})
    if own.method != METHOD:
        train_score.run(
            series=series,
            out=out,
            config=config,
            score_config=own,
            checkpoint=checkpoint,
            shipped=None,
            dataset=dataset,
        )
        return
    population = read_population(dataset, series, own, config.seed)
    choose(population.windows, own, dataset, has_shipped=False)
    known = population.without(TEST)
    train_plus(known.windows, known.series, out, config, own, dataset=dataset)
