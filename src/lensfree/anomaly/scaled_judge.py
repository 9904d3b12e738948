"""What detectors that score windows on a scale have in common: from windows to cells, and abroad."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pandas as pd

from lensfree.anomaly.methods import Judgement, Scale, held_back_threshold, judgement
from lensfree.anomaly.split import Split
from lensfree.anomaly.windows import Windows, cut_windows
from lensfree.config import ScoreConfig

ByCell = Callable[[Windows, np.ndarray], pd.Series]
"""Windows and their scores to the score of each history: `methods.mean_by_cell`, `methods.max_by_cell`."""


@dataclass(frozen=True)
class ScaledJudge(ABC):
    """A fitted way to score windows, with the threshold of cells.

    Attributes:
        by_cell: how the scores of a history's windows become its own.
        scale: mean and sd of the training.
        config: section `score`.
        threshold: cell score above which a cell is flagged; NaN until it is learnt.
    """

    by_cell: ByCell
    scale: Scale
    config: ScoreConfig
    threshold: float

    @abstractmethod
    def scores(self, windows: Windows) -> np.ndarray:
        """Return the score of each window, higher = more abnormal."""

    def judge(self, series: pd.DataFrame) -> Judgement:
        """Judge histories (a table under `contracts.SERIES`) by their windows."""
        windows = cut_windows(series, self.config)
        score = self.scores(windows)
        cells = self.by_cell(windows, score)
        return judgement(windows, score, cells, cells > self.threshold)

    def adapted(self, series: pd.DataFrame) -> Self:
        """Return the same with mean and sd of the histories given; what was learnt and threshold stay."""
        return replace(self, scale=Scale.of_series(series, self.config))

    def with_threshold(self, split: Split) -> Self:
        """Return the same with the threshold that the cells which were held back give."""
        parts = (self.by_cell(part, self.scores(part)) for part in (split.validation, split.test))
        return replace(self, threshold=held_back_threshold(*parts))
