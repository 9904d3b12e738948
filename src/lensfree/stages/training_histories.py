"""The histories that a model of a data set is trained on, and whether they suffice for one."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pandas as pd

from lensfree.anomaly.fit import choose_model
from lensfree.anomaly.histories import pool_series
from lensfree.anomaly.windows import Windows, cut_windows
from lensfree.config import ScoreConfig
from lensfree.contracts import SERIES
from lensfree.io.tables import empty_table, read_table

logger = logging.getLogger(__name__)


def read_histories(series: Sequence[Path], config: ScoreConfig) -> tuple[pd.DataFrame, Windows]:
    """Return the histories of a data set's acquisitions in one table, and all windows of them.

    Args:
        series: tables of the acquisitions; none gives no histories.
        config: section `score`.
    """
    pooled = pool_series([read_table(path, SERIES) for path in series] or [empty_table(SERIES)])
    return pooled, cut_windows(pooled, config)


def choose(
    windows: Windows, config: ScoreConfig, dataset: str, *, has_shipped: bool
) -> Literal["own", "shipped"]:
    """Return whether the data set trains its own model, as `fit.choose_model` does; the log says why.

    Raises:
        ValueError: as `fit.choose_model`.
    """
    choice, why = choose_model(windows, config, dataset, has_shipped=has_shipped)
    logger.info("%s", why)
    return choice
