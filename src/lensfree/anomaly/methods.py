"""What every detector of abnormal histories looks like from outside, so that all are measured alike.

A method is fitted to histories of which an unknown share is abnormal, and then judges others. All cut
the same windows (`windows.cut_windows`), train on the same 80 % of the lineages (`split_by_lineage`, copies
left out), and have nothing to say about histories shorter than a window: those get no row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import pandas as pd

from lensfree.anomaly.split import Split, deduplicated, mean_and_sd, split_by_lineage
from lensfree.anomaly.windows import Windows, cut_windows
from lensfree.config import ScoreConfig

NORMAL_SHARE = 0.9
"""Where the paper gives no threshold: the quantile of the scores of held-back training cells, alpha 0.10."""


@dataclass(frozen=True)
class Judgement:
    """What a method says about histories; a higher score is more abnormal.

    Attributes:
        cells: a row per history of at least one window: `series_id`, `score` (what the method ranks by),
            `is_flagged` (at its own threshold), and a column `score_<other>` for every other ranking that
            it is known by.
        windows: a row per window: `series_id`, `start_h`, `score`.
    """

    cells: pd.DataFrame
    windows: pd.DataFrame


class Judge(Protocol):
    """A fitted method."""

    def judge(self, series: pd.DataFrame) -> Judgement:
        """Judge histories (a table under `contracts.SERIES`)."""
        ...

    def adapted(self, series: pd.DataFrame) -> Judge:
        """Return the judge for another laboratory, told its histories without labels."""
        ...


class Method(Protocol):
    """A way to find abnormal histories.

    Attributes:
        name: as it stands in the keys of the measures.
        is_slow: whether a fit takes minutes, so that it is repeated less often.
    """

    @property
    def name(self) -> str:
        """Return its name."""
        ...

    @property
    def is_slow(self) -> bool:
        """Return whether a fit or a judgement takes minutes."""
        ...

    def fit(self, series: pd.DataFrame, config: ScoreConfig, seed: int) -> Judge:
        """Fit to histories (a table under `contracts.SERIES`), abnormal ones among them, none labelled."""
        ...


@dataclass(frozen=True)
class Scale:
    """What dry mass is standardised with.

    Attributes:
        mean_pg: mean of the points of the windows [pg].
        sd_pg: their sd [pg].
    """

    mean_pg: float
    sd_pg: float

    @classmethod
    def of(cls, windows: Windows) -> Scale:
        """Return mean and sd of all points that the windows cover."""
        return cls(*mean_and_sd(windows))

    @classmethod
    def of_series(cls, series: pd.DataFrame, config: ScoreConfig) -> Scale:
        """Return those of the windows of a table of histories.

        The paper standardises each data set by itself, also when the model comes from another one
        (experiment 2): what is normal is the shape of growth, not the dry mass of one cell line.
        """
        return cls.of(cut_windows(series, config))

    def whole(self, windows: Windows) -> np.ndarray:
        """Return whole windows as measured, nothing smoothed, standardised: (n, all points) float32."""
        points = ((windows.dry_mass_pg - self.mean_pg) / self.sd_pg).astype(np.float32)
        scaled = replace(windows, dry_mass_pg=points)
        return np.hstack([scaled.inputs, scaled.targets_raw])


def split_training(series: pd.DataFrame, config: ScoreConfig, seed: int) -> Split:
    """Return the windows that a method trains on and those that it holds back, without copies."""
    return split_by_lineage(deduplicated(cut_windows(series, config)), seed)


def held_back_threshold(validation: pd.Series, test: pd.Series) -> float:
    """Return the cell score above which a cell is flagged: the 90 % quantile of held-back training cells.

    Cells that a method was trained on would not do: a memory of windows finds each of them in itself.

    Args:
        validation: scores of the training table's cells in the validation part.
        test: of those in the test part.
    """
    return float(np.quantile(np.concatenate([validation, test]), NORMAL_SHARE))


def check_complete(judged: Judgement, windows: Windows, name: str) -> None:
    """Refuse a judgement that leaves histories out or adds some: a method could gain by silence.

    Args:
        judged: the judgement.
        windows: all windows of the histories that were to be judged.
        name: of the method.

    Raises:
        ValueError: if the cells, or the number of windows, are others.
    """
    cells, expected = set(judged.cells["series_id"]), set(windows.series_id)
    if cells != expected or len(judged.windows) != len(windows) or len(judged.cells) != len(cells):
        raise ValueError(
            f"method '{name}' judged {len(judged.cells)} histories in {len(judged.windows)} windows, "
            f"expected each of {len(expected)} once in {len(windows)}; a method judges all that have a window"
        )


def mean_by_cell(windows: Windows, score: np.ndarray) -> pd.Series:
    """Return the mean score of the windows of each history, by series_id in rising order."""
    return pd.Series(score).groupby(windows.series_id, sort=True).mean()


def max_by_cell(windows: Windows, score: np.ndarray) -> pd.Series:
    """Return the highest score of the windows of each history, by series_id in rising order."""
    return pd.Series(score).groupby(windows.series_id, sort=True).max()


def judgement(
    windows: Windows,
    window_score: np.ndarray,
    cell_score: pd.Series,
    is_flagged: pd.Series,
    others: Mapping[str, pd.Series] | None = None,
) -> Judgement:
    """Put scores into tables.

    Args:
        windows: the windows.
        window_score: (n,) score of each.
        cell_score: by series_id.
        is_flagged: by series_id.
        others: other rankings by series_id, by the name that follows `score_`.
    """
    cells = pd.DataFrame(
        {"score": cell_score.astype(float), "is_flagged": is_flagged.astype(bool)}
        | {f"score_{name}": ranking for name, ranking in (others or {}).items()}
    )
    cells = cells.rename_axis("series_id").reset_index()
    table = {"series_id": windows.series_id, "start_h": windows.start_h, "score": window_score}
    return Judgement(cells, pd.DataFrame(table))
