"""Training of StArDusTS plus on a data set, or handing the shipped detector on to it."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from lensfree.anomaly.fit import MIN_LINEAGES
from lensfree.anomaly.norms import Norms
from lensfree.anomaly.outlooks import Outlook, Trainer
from lensfree.anomaly.plus import fit_plus
from lensfree.anomaly.windows import Windows
from lensfree.config import ScoreConfig, TrainScoreConfig
from lensfree.nets.outlook import State, foretell, train_outlook
from lensfree.stages.detector_file import METHOD, DetectorCard, load_detector, relabel_detector, save_detector

logger = logging.getLogger(__name__)


def outlook_trainer(config: TrainScoreConfig, keep: State | None = None) -> Trainer:
    """Return what trains a forecast; the weights of the last one are put into `keep`."""

    def train(inputs: np.ndarray, targets: np.ndarray) -> Outlook:
        state = train_outlook(inputs, targets, config, logger.info)
        if keep is not None:
            keep.clear()
            keep.update(state)
        return partial(foretell, state)

    return train


def train_plus(
    windows: Windows,
    series: pd.DataFrame,
    out: Path,
    config: TrainScoreConfig,
    score_config: ScoreConfig,
    *,
    dataset: str,
    population_of: np.ndarray | None = None,
) -> None:
    """Fit a detector to the windows of a data set and save it with the norms of its cells.

    `population_of` is the population of each series_id where there are several, see `fit_plus`.
    """
    outlook: State = {}
    plus = fit_plus(
        windows,
        series,
        outlook_trainer(config, outlook),
        contamination=score_config.contamination,
        seed=config.seed,
        population_of=population_of,
    )
    n_histories = len(np.unique(windows.series_id))
    card = DetectorCard(
        name=f"detector-{dataset}",
        version="",
        trained_on=f"own data set {dataset}, {len(windows)} windows",
        method=METHOD,
        input_points=score_config.input_points,
        target_points=score_config.target_points,
        interval_min=score_config.interval_min,
        smoothing_points=score_config.smoothing_points,
        unit_pg=plus.unit_pg,
        spread=plus.spread,
        seed=config.seed,
        n_histories=n_histories,
        n_windows=len(windows),
        channels=",".join(windows.channels),
    )
    logger.info("%s", save_detector(out, plus, outlook, card))


def hand_plus_on(
    shipped: Path, out: Path, windows: Windows, series: pd.DataFrame, config: ScoreConfig
) -> None:
    """Write the shipped detector as that of a data set, on its scale if it has enough families.

    Raises:
        ModelError: if it was trained for other windows or channels than the configured ones.
    """
    _, card = load_detector(shipped)
    card.check(config)
    trained_on = f"shipped {card.name} {card.version}"
    n_lineages = len(np.unique(windows.lineage))
    if config.shipped_normalisation == "model" or n_lineages < MIN_LINEAGES:
        relabel_detector(shipped, out, trained_on=trained_on)
        return
    relabel_detector(
        shipped,
        out,
        trained_on=f"{trained_on}, on the scale of this data set",
        unit_pg=windows.median_pg(),
        norms=learn_norms(series),
    )


def learn_norms(series: pd.DataFrame) -> Norms | None:
    """Return what is normal in a table of histories, None (and a line in the log) if it does not suffice."""
    try:
        return Norms.learn(series)
    except ValueError as error:
        logger.info("no norms, so that kinds of anomalies are not told: %s", error)
        return None
