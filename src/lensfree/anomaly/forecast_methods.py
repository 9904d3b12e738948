"""Detectors that compare a forecast with what came: the published one, persistence and ridge.

All three follow the paper's rule: a window is abnormal if its error exceeds mean + 2 sd of the training
windows (Eq. 6), and a cell is flagged if its share A of abnormal windows (Eq. 7) exceeds `score.flag_above`.
They heed `score.threshold`, `score.target` and `score.normalisation` as the stage does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from lensfree.anomaly.baselines import fit_ridge, persistence
from lensfree.anomaly.fit import Trainer, fit_forecaster
from lensfree.anomaly.methods import Judgement, Scale, judgement, mean_by_cell
from lensfree.anomaly.score import Forecaster, forecast_mse
from lensfree.anomaly.split import deduplicated
from lensfree.anomaly.windows import cut_windows
from lensfree.config import ScoreConfig

TrainerOfSeed = Callable[[int], Trainer]
"""A seed to what trains a forecaster with it."""


@dataclass(frozen=True)
class ForecastJudge:
    """A forecaster with its threshold.

    Attributes:
        forecast: the forecaster.
        scale: mean and sd of its training.
        tau: its threshold on the MSE of a window.
        ranks_by: what cells are ranked by: the share A of abnormal windows, or the mean MSE.
        config: section `score`.
    """

    forecast: Forecaster
    scale: Scale
    tau: float
    ranks_by: Literal["a", "mean_mse"]
    config: ScoreConfig

    def judge(self, series: pd.DataFrame) -> Judgement:
        """Judge histories by the paper's rule."""
        windows = cut_windows(series, self.config)
        scale = self.scale
        if self.config.normalisation == "per_split" and len(windows):
            scale = Scale.of(deduplicated(windows))
        mse = forecast_mse(
            windows, self.forecast, mean_pg=scale.mean_pg, sd_pg=scale.sd_pg, target=self.config.target
        )
        share = mean_by_cell(windows, mse > self.tau)
        rankings = {"a": share, "mean_mse": mean_by_cell(windows, mse)}
        ranking = rankings.pop(self.ranks_by)
        return judgement(windows, mse, ranking, share > self.config.flag_above, rankings)

    def adapted(self, series: pd.DataFrame) -> ForecastJudge:
        """Return the same forecaster and threshold, with mean and sd of the histories given."""
        return replace(self, scale=Scale.of_series(series, self.config))


@dataclass(frozen=True)
class ForecastMethod:
    """A forecaster under the paper's rule.

    Attributes:
        name: as it stands in the keys of the measures.
        trainer: how it is trained.
        ranks_by: what cells are ranked by.
        is_slow: whether training takes minutes.
    """

    name: str
    trainer: TrainerOfSeed
    ranks_by: Literal["a", "mean_mse"] = "mean_mse"
    is_slow: bool = False

    def fit(self, series: pd.DataFrame, config: ScoreConfig, seed: int) -> ForecastJudge:
        """Train on 80 % of the windows; the threshold comes from the same windows (Eq. 6)."""
        windows = cut_windows(series, config)
        fitted = fit_forecaster(
            windows,
            self.trainer(seed),
            seed=seed,
            sigma_count=config.sigma_count,
            quantile=config.tau_quantile,
            target=config.target,
            normalisation=config.normalisation,
        )
        scale = Scale(fitted.mean_pg, fitted.sd_pg)
        return ForecastJudge(fitted.forecast, scale, fitted.tau, self.ranks_by, config)


def stardusts(trainer: TrainerOfSeed) -> ForecastMethod:
    """Return the published detector, cells ranked by A; its network is trained by what is handed in."""
    return ForecastMethod("stardusts", trainer, ranks_by="a", is_slow=True)


def persistence_method() -> ForecastMethod:
    """Return the detector that expects a cell to keep the dry mass of the last point seen."""

    def train(inputs: np.ndarray, targets: np.ndarray, *validation: np.ndarray) -> Forecaster:
        return persistence(targets.shape[1])

    return ForecastMethod("persistence", lambda seed: train)


def ridge_method() -> ForecastMethod:
    """Return the detector with a linear forecast."""

    def train(inputs: np.ndarray, targets: np.ndarray, *validation: np.ndarray) -> Forecaster:
        return fit_ridge(inputs, targets)

    return ForecastMethod("ridge", lambda seed: train)
