"""Stage train_score: dry-mass histories of a data set -> its forecaster or detector, own or shipped."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path

from numpy import ndarray as Array

from lensfree.anomaly.fit import fit_forecaster, scale_for_shipped
from lensfree.anomaly.score import Forecaster
from lensfree.config import ScoreConfig, TrainScoreConfig
from lensfree.nets.forecaster import State, forecast, restore
from lensfree.nets.forecaster_card import ForecasterCard, hand_on, load_forecaster, save_forecaster
from lensfree.nets.forecaster_training import train_forecaster
from lensfree.stages.detector_file import METHOD
from lensfree.stages.plus_training import hand_plus_on, train_plus
from lensfree.stages.training_histories import choose, read_histories

logger = logging.getLogger(__name__)


def run(
    *,
    series: list[Path],
    out: Path,
    config: TrainScoreConfig,
    score_config: ScoreConfig,
    checkpoint: Path,
    shipped: Path | None,
    dataset: str,
) -> None:
    """Train on a data set's own histories if they suffice, otherwise hand the shipped model on."""
    pooled, windows = read_histories(series, score_config)
    choice = choose(windows, score_config, dataset, has_shipped=shipped is not None)
    if choice == "shipped" and shipped is not None:
        if score_config.method == METHOD:
            hand_plus_on(shipped, out, windows, pooled, score_config)
            return
        load_forecaster(shipped)[1].check(score_config)
        hand_on(shipped, out, scale_for_shipped(windows, score_config))
        return
    if score_config.method == METHOD:
        train_plus(windows, pooled, out, config, score_config, dataset=dataset)
        return
    state: State = {}
    padding = score_config.padding

    def train(inputs: Array, targets: Array, unseen_inputs: Array, unseen_targets: Array) -> Forecaster:
        data = (inputs, targets, unseen_inputs, unseen_targets)
        state.update(train_forecaster(*data, config, logger.info, checkpoint, padding=padding)[0])
        return partial(forecast, restore(state, inputs.shape[1], targets.shape[1], padding))

    fit = fit_forecaster(
        windows,
        train,
        seed=config.seed,
        sigma_count=score_config.sigma_count,
        quantile=score_config.tau_quantile,
        target=score_config.target,
        normalisation=score_config.normalisation,
    )
    card = ForecasterCard.from_training(state, fit.numbers(), score_config, config, dataset=dataset)
    logger.info("%s", card)
    save_forecaster(state, card, out)
    checkpoint.unlink(missing_ok=True)
