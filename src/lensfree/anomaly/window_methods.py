"""Detectors that look at whole windows as points of a space: PCA, isolation forest, nearest neighbours.

They see the 180 points of a window as measured, past and future alike. A cell's score is the mean of its
windows, and it is flagged above the 90 % quantile of the training cells that were held back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest

from lensfree.anomaly.methods import Scale, mean_by_cell, split_training
from lensfree.anomaly.scaled_judge import ScaledJudge
from lensfree.anomaly.windows import Windows
from lensfree.arrays import cpu_count
from lensfree.config import ScoreConfig

BLOCK = 8192
RECONSTRUCTED_FROM = 5
NEIGHBOURS = 10
NEIGHBOUR_COMPONENTS = 20

Scorer = Callable[[np.ndarray], np.ndarray]
"""Standardised windows (n, points) to scores (n,), higher = more abnormal."""


@dataclass(frozen=True)
class WindowJudge(ScaledJudge):
    """A fitted scorer of windows with the threshold of cells.

    Attributes:
        scorer: scores standardised windows.
    """

    scorer: Scorer

    def scores(self, windows: Windows) -> np.ndarray:
        """Return the score of each window, worked out in blocks to bound memory."""
        score = np.empty(len(windows))
        for start in range(0, len(windows), BLOCK):
            block = slice(start, start + BLOCK)
            score[block] = self.scorer(self.scale.whole(windows.take(block)))
        return score


@dataclass(frozen=True)
class WindowMethod:
    """A way to score windows, made a detector of cells.

    Attributes:
        name: as it stands in the keys of the measures.
        make: standardised training windows (n, points) and a seed to the fitted scorer.
        is_slow: whether it takes minutes.
    """

    name: str
    make: Callable[[np.ndarray, int], Scorer]
    is_slow: bool = False

    def fit(self, series: pd.DataFrame, config: ScoreConfig, seed: int) -> WindowJudge:
        """Fit to 80 % of the windows and take the threshold from the cells of the others."""
        split = split_training(series, config, seed)
        scale = Scale.of(split.training)
        scorer = self.make(scale.whole(split.training), seed)
        return WindowJudge(mean_by_cell, scale, config, float("nan"), scorer).with_threshold(split)


def pca_method() -> WindowMethod:
    """Return the detector by what five principal components leave of a window (mean square)."""

    def make(windows: np.ndarray, seed: int) -> Scorer:
        pca = PCA(RECONSTRUCTED_FROM, random_state=seed).fit(windows)

        def score(unseen: np.ndarray) -> np.ndarray:
            rest = unseen - pca.inverse_transform(pca.transform(unseen))
            return np.asarray(np.mean(np.square(rest, dtype=np.float64), axis=1))

        return score

    return WindowMethod("pca", make)


def isolation_forest_method() -> WindowMethod:
    """Return the detector by how few random cuts isolate a window (scikit-learn, its defaults)."""

    def make(windows: np.ndarray, seed: int) -> Scorer:
        forest = IsolationForest(random_state=seed).fit(windows)
        return lambda unseen: -forest.score_samples(unseen)

    return WindowMethod("isolation_forest", make)


def knn_method() -> WindowMethod:
    """Return the detector by the mean distance to the ten nearest training windows, in 20 components."""

    def make(windows: np.ndarray, seed: int) -> Scorer:
        pca = PCA(NEIGHBOUR_COMPONENTS, random_state=seed).fit(windows)
        tree = cKDTree(pca.transform(windows))

        def score(unseen: np.ndarray) -> np.ndarray:
            distances, _ = tree.query(pca.transform(unseen), NEIGHBOURS, workers=cpu_count())
            return np.asarray(distances.mean(axis=1))

        return score

    return WindowMethod("knn", make)
