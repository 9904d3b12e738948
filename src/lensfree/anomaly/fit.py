"""From windows to a forecaster with the numbers that scoring needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from lensfree.anomaly.score import Forecaster, Target, forecast_mse
from lensfree.anomaly.split import Split, deduplicated, mean_and_sd, split_by_lineage
from lensfree.anomaly.thresholds import window_threshold
from lensfree.anomaly.windows import Windows
from lensfree.config import ScoreConfig

MIN_LINEAGES = 10
"""Fewer families say little about a population: neither its mean and sd nor its typical fate."""

Trainer = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], Forecaster]
"""Standardised inputs and targets of training, then of validation, to a forecaster."""


@dataclass(frozen=True)
class Fit:
    """A forecaster and what came with its training.

    Attributes:
        forecast: the forecaster.
        split: the windows it was trained, validated and tested on, without copies.
        mean_pg: mean of the training points [pg].
        sd_pg: their sd [pg].
        tau: window threshold of the training split, standardised units.
        validation_mse: mean over the validation windows.
        test_mse: mean over the test windows, nan if the data set has too few lineages for a test split.
    """

    forecast: Forecaster
    split: Split
    mean_pg: float
    sd_pg: float
    tau: float
    validation_mse: float
    test_mse: float

    def numbers(self) -> dict[str, float | int]:
        """Return what the card of the forecaster states."""
        names = ("mean_pg", "sd_pg", "tau", "validation_mse", "test_mse")
        return {name: getattr(self, name) for name in names} | {"n_windows": len(self.split.training)}


def fit_forecaster(
    windows: Windows,
    train: Trainer,
    *,
    seed: int,
    sigma_count: float,
    quantile: float | None = None,
    target: Target = "smoothed",
    normalisation: Literal["training", "per_split"] = "training",
) -> Fit:
    """Split, standardise, train and set the threshold.

    Args:
        windows: all windows of the data set.
        train: makes the forecaster; the network in the workflow, a linear one in tests.
        seed: decides the split.
        sigma_count: of the threshold.
        quantile: of the threshold, instead of mean and sd.
        target: what the forecasts are judged by, in the threshold too; training has the smoothed target.
        normalisation: training and test windows by mean and sd of the training windows, or each part by its
            own.

    Raises:
        ValueError: if the windows cannot be split or standardised.
    """
    split = split_by_lineage(deduplicated(windows), seed)
    mean_pg, sd_pg = mean_and_sd(split.training)

    def scale(part: Windows) -> tuple[float, float]:
        return mean_and_sd(part) if normalisation == "per_split" else (mean_pg, sd_pg)

    forecast = train(
        *split.training.standardised(mean_pg, sd_pg), *split.validation.standardised(*scale(split.validation))
    )

    def mse(part: Windows) -> np.ndarray:
        own_mean_pg, own_sd_pg = scale(part)
        return forecast_mse(part, forecast, mean_pg=own_mean_pg, sd_pg=own_sd_pg, target=target)

    return Fit(
        forecast=forecast,
        split=split,
        mean_pg=mean_pg,
        sd_pg=sd_pg,
        tau=window_threshold(mse(split.training), sigma_count, quantile=quantile),
        validation_mse=float(mse(split.validation).mean()),
        test_mse=float(mse(split.test).mean()) if len(split.test) else float("nan"),
    )


def choose_model(
    windows: Windows, config: ScoreConfig, dataset: str, *, has_shipped: bool
) -> tuple[Literal["own", "shipped"], str]:
    """Decide whether a data set trains its own forecaster, and say why in a sentence.

    Args:
        windows: all windows of the data set.
        config: section `score`.
        dataset: name of the data set.
        has_shipped: whether there is a shipped model to fall back to.

    Raises:
        ValueError: if an own model is needed and the windows do not suffice, or a shipped one is wanted
            and there is none.
    """
    unique = deduplicated(windows)
    n_lineages = len(np.unique(unique.lineage))
    counted = f"data set '{dataset}' has {len(unique)} windows of {n_lineages} lineages"
    needed = f"{config.min_training_windows} windows of {MIN_LINEAGES} lineages"
    suffices = len(unique) >= config.min_training_windows and n_lineages >= MIN_LINEAGES
    if config.model == "shipped":
        if not has_shipped:
            raise ValueError(
                "score.model is 'shipped' but there is no shipped model; name one of models/registry.yaml in "
                "score.shipped_model, or set score.model to 'auto'"
            )
        return "shipped", f"{counted}; score.model asks for the shipped forecaster"
    if suffices:
        return "own", f"{counted}: it trains its own forecaster"
    if config.model == "auto" and has_shipped:
        return "shipped", f"{counted}, fewer than {needed}: it takes the shipped forecaster"
    raise ValueError(
        f"{counted}, expected at least {needed} for a forecaster of its own; add acquisitions of at least "
        "30 h, lower score.min_training_windows, or let score.model be 'auto' with a shipped model"
    )


def scale_for_shipped(windows: Windows, config: ScoreConfig) -> tuple[float, float] | None:
    """Return mean and sd [pg] of the data set for a shipped model, None to keep those of its training.

    The paper standardises every data set by itself, also when the model comes from another one
    (experiment 2): what is normal is a shape of growth, not the dry mass of one cell line.
    """
    unique = deduplicated(windows)
    if config.shipped_normalisation == "model" or len(np.unique(unique.lineage)) < MIN_LINEAGES:
        return None
    return mean_and_sd(unique)
