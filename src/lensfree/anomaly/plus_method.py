"""StArDusTS plus as one of the methods that are measured side by side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from lensfree.anomaly.methods import Judgement
from lensfree.anomaly.norms import Norms
from lensfree.anomaly.outlooks import Trainer
from lensfree.anomaly.plus import Plus, fit_plus
from lensfree.anomaly.windows import cut_windows
from lensfree.config import ScoreConfig

NAME = "stardusts_plus"
WITHOUT_KINDS = "stardusts_plus_without_kinds"


@dataclass(frozen=True)
class PlusJudge:
    """A fitted detector with the settings of its windows."""

    plus: Plus
    config: ScoreConfig

    def judge(self, series: pd.DataFrame) -> Judgement:
        """Judge histories; they are ranked by surprise."""
        windows, cells = self.plus.judge(cut_windows(series, self.config), series, self.config.alpha)
        return Judgement(
            cells.rename(columns={"surprise": "score"})[["series_id", "score", "is_flagged"]],
            windows.rename(columns={"surprise": "score"})[["series_id", "start_h", "score"]],
        )

    def adapted(self, series: pd.DataFrame) -> PlusJudge:
        """Return the judge in the unit of dry mass and with the norms of the histories given."""
        unit_pg = cut_windows(series, self.config).median_pg()
        return PlusJudge(self.plus.for_population(unit_pg, Norms.learn(series)), self.config)


@dataclass(frozen=True)
class PlusMethod:
    """What fits the detector, with or without known kinds; a seed gives what trains the forecast."""

    trainer_of_seed: Callable[[int], Trainer]
    name: str = NAME
    is_slow: bool = False
    is_kinds_asked: bool = True

    def fit(self, series: pd.DataFrame, config: ScoreConfig, seed: int) -> PlusJudge:
        """Fit to histories of which an unknown share is abnormal."""
        plus = fit_plus(
            cut_windows(series, config),
            series,
            self.trainer_of_seed(seed),
            contamination=config.contamination,
            seed=seed,
            is_kinds_asked=self.is_kinds_asked,
        )
        return PlusJudge(plus, config)
