"""The histories of a data set for the experiments: pooled over acquisitions, cut, split by lineage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from lensfree.anomaly.split import deduplicated, split_by_lineage
from lensfree.anomaly.windows import Windows
from lensfree.config import ScoreConfig
from lensfree.stages.training_histories import read_histories

TRAINING, VALIDATION, TEST = "training", "validation", "test"
PARTS = (TRAINING, VALIDATION, TEST)


@dataclass(frozen=True)
class Population:
    """The histories of a data set.

    Attributes:
        name: of the data set.
        series: pooled table under `contracts.SERIES`, short histories included.
        windows: all windows of all histories; those of a mother occur once per daughter.
        part_of: part of the split by series_id, for histories that have windows.
    """

    name: str
    series: pd.DataFrame
    windows: Windows
    part_of: pd.Series

    @property
    def n_short(self) -> int:
        """Return how many histories are shorter than a window."""
        return int(self.series["series_id"].nunique() - len(self.part_of))

    def only(self, *parts: str) -> Population:
        """Return the histories of some parts of the split."""
        kept = self.part_of[self.part_of.isin(parts)]
        return replace(
            self,
            series=self.series[self.series["series_id"].isin(kept.index)],
            windows=self.windows.take(np.isin(self.windows.series_id, kept.index)),
            part_of=kept,
        )

    def without(self, part: str) -> Population:
        """Return the histories of the other parts of the split."""
        return self.only(*(name for name in PARTS if name != part))

    def counts(self) -> dict[str, dict[str, int]]:
        """Return histories and windows, copies left out, per part of the split."""
        unique = deduplicated(self.windows)
        part = self.part_of.reindex(unique.series_id).to_numpy()
        return {
            name: {"series": int((self.part_of == name).sum()), "windows": int((part == name).sum())}
            for name in PARTS
        }


def read_population(dataset: str, series: Sequence[Path], config: ScoreConfig, seed: int) -> Population:
    """Read, pool, cut and split the histories of a data set.

    The split is that of the training with the same seed: by lineage, 80 / 10 / 10 of the windows.

    Args:
        dataset: its name.
        series: tables of its acquisitions, in the order in which training reads them.
        config: section `score`.
        seed: decides the split.

    Raises:
        ValueError: if there are fewer than two lineages of histories that are as long as a window.
    """
    pooled, windows = read_histories(series, config)
    try:
        split = split_by_lineage(deduplicated(windows), seed)
    except ValueError as error:
        raise ValueError(f"data set '{dataset}' with {len(series)} acquisitions: {error}") from error
    part_of_lineage = {
        int(lineage): part
        for part, some in zip(PARTS, (split.training, split.validation, split.test), strict=True)
        for lineage in np.unique(some.lineage)
    }
    series_id, at = np.unique(windows.series_id, return_index=True)
    part_of = pd.Series([part_of_lineage[int(name)] for name in windows.lineage[at]], index=series_id)
    return Population(dataset, pooled, windows, part_of)
