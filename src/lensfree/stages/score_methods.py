"""The detectors that the evaluation puts beside each other."""

from __future__ import annotations

import logging
from functools import partial

import numpy as np

from lensfree.anomaly import matrix_profile
from lensfree.anomaly.fit import Trainer
from lensfree.anomaly.forecast_methods import TrainerOfSeed, persistence_method, ridge_method, stardusts
from lensfree.anomaly.methods import Method
from lensfree.anomaly.outlooks import Trainer as OutlookTrainer
from lensfree.anomaly.plus_method import WITHOUT_KINDS, PlusMethod
from lensfree.anomaly.score import Forecaster
from lensfree.anomaly.window_methods import isolation_forest_method, knn_method, pca_method
from lensfree.config import TrainScoreConfig
from lensfree.nets.forecaster import forecast, restore
from lensfree.nets.forecaster_training import train_forecaster
from lensfree.stages.plus_training import outlook_trainer

VALIDATION_STEP = 4
"""Every how many windows of the validation part one chooses the epoch."""

logger = logging.getLogger(__name__)


def all_methods(config: TrainScoreConfig) -> list[Method]:
    """Return the detectors; the matrix profile only where stumpy is installed."""

    def outlook(seed: int) -> OutlookTrainer:
        return outlook_trainer(config.model_copy(update={"seed": seed}))

    methods: list[Method] = [
        stardusts(cnn_trainer(config)),
        persistence_method(),
        ridge_method(),
        pca_method(),
        isolation_forest_method(),
        knn_method(),
        PlusMethod(outlook),
        PlusMethod(outlook, WITHOUT_KINDS, is_slow=True, is_kinds_asked=False),
    ]
    if matrix_profile.is_available():
        matrix_profile.compile_profile()
        methods.append(matrix_profile.MatrixProfileMethod())
    else:
        logger.warning("stumpy is not installed: no matrix profile; install the extra `peers` for it")
    return methods


def cnn_trainer(config: TrainScoreConfig) -> TrainerOfSeed:
    """Return what trains the published network as section `train_score` says, with a seed of its own."""

    def of_seed(seed: int) -> Trainer:
        seeded = config.model_copy(update={"seed": seed})

        def train(
            inputs: np.ndarray, targets: np.ndarray, unseen_inputs: np.ndarray, unseen_targets: np.ndarray
        ) -> Forecaster:
            # Neighbouring windows are nearly equal; all of them would take longer than the training.
            seen = slice(None, None, VALIDATION_STEP)
            state, _ = train_forecaster(
                inputs, targets, unseen_inputs[seen], unseen_targets[seen], seeded, progress=logger.info
            )
            return partial(forecast, restore(state, inputs.shape[1], targets.shape[1]))

        return train

    return of_seed
