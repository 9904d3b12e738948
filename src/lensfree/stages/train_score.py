"""Stage train_score: dry-mass histories of a data set -> its forecaster, own or shipped."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from lensfree.anomaly.fit import fit_forecaster
from lensfree.anomaly.score import Forecaster
from lensfree.anomaly.split import deduplicated, mean_and_sd
from lensfree.anomaly.windows import Windows, cut_windows, pool_series
from lensfree.config import ScoreConfig, TrainScoreConfig
from lensfree.contracts import SERIES
from lensfree.io.tables import empty_table, read_table
from lensfree.nets import forecaster as nets

logger = logging.getLogger(__name__)
MIN_LINEAGES = 10


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
    """Train on a data set's own histories if they suffice, otherwise hand the shipped model on.

    Raises:
        ValueError: if they do not suffice and there is no shipped model, or `score.model` is `own`.
    """
    pooled = pool_series([read_table(path, SERIES) for path in series] or [empty_table(SERIES)])
    windows = deduplicated(cut_windows(pooled, score_config))
    n_lineages = len(np.unique(windows.lineage))
    suffices = n_lineages >= MIN_LINEAGES and len(windows) >= score_config.min_training_windows
    counted = f"{len(windows)} windows of {n_lineages} lineages"
    if score_config.model != "shipped" and suffices:
        logger.info("data set %s has %s: training its own forecaster", dataset, counted)
        _train(windows, out, config, score_config, checkpoint, dataset)
    elif score_config.model == "own" or shipped is None:
        raise ValueError(
            f"data set {dataset} has {counted}, expected at least {score_config.min_training_windows} windows of "
            f"{MIN_LINEAGES} lineages for a forecaster of its own; add acquisitions of at least 30 h, lower "
            "score.min_training_windows, or set score.model to 'shipped'"
        )
    else:
        logger.info("data set %s has %s: handing on the shipped forecaster %s", dataset, counted, shipped)
        own_scale = score_config.shipped_normalisation == "dataset" and n_lineages >= MIN_LINEAGES
        _hand_on(shipped, out, mean_and_sd(windows) if own_scale else None)


def _train(
    windows: Windows, out: Path, config: TrainScoreConfig, score: ScoreConfig, checkpoint: Path, dataset: str
) -> None:
    states: list[nets.State] = []

    def train(*arrays: np.ndarray) -> Forecaster:
        state, _ = nets.train_forecaster(*arrays, config, progress=logger.info, checkpoint=checkpoint)
        states.append(state)
        return partial(nets.forecast, nets.build_forecaster(state))

    fit = fit_forecaster(windows, train, seed=config.seed, sigma_count=score.sigma_count)
    n_windows = len(fit.split.training)
    card = nets.ForecasterCard(
        name=f"forecast-{dataset}",
        version=nets.state_version(states[0]),
        trained_on=f"own data set {dataset}, {n_windows} windows",
        mean_pg=fit.mean_pg,
        sd_pg=fit.sd_pg,
        tau=fit.tau,
        interval_min=score.interval_min,
        smoothing_points=score.smoothing_points,
        seed=config.seed,
        n_windows=n_windows,
        validation_mse=fit.validation_mse,
        test_mse=fit.test_mse,
    )
    logger.info("%s", card)
    nets.save_forecaster(states[0], card, out)
    checkpoint.unlink(missing_ok=True)


def _hand_on(shipped: Path, out: Path, scale_pg: tuple[float, float] | None) -> None:
    state, card = nets.load_forecaster(shipped)
    stated = f"shipped {card.name} {card.version}"
    if scale_pg is not None:
        card = replace(card, mean_pg=scale_pg[0], sd_pg=scale_pg[1])
        stated += ", standardised with the data set"
    nets.save_forecaster(state, replace(card, trained_on=stated), out)
