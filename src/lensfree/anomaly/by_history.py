"""The same question to many histories, shared between the processes that this job may use.

What a history is asked takes some milliseconds of small matrices, which threads of one interpreter cannot
share. Processes are forked, so that they find the table in memory and only answers travel.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from multiprocessing import get_context
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from lensfree.anomaly.histories import bounds_of
from lensfree.arrays import cpu_count

Answer = TypeVar("Answer")

FEWEST_SHARED = 64
"""Fewer histories are not worth the start of a process."""
PARTS_PER_PROCESS = 8
"""Parts are handed out one after the other, so that one with long histories does not hold up the end."""
CAN_FORK = sys.platform.startswith("linux")

_asked: list[Any] = []
"""What the forked processes work on; they find it here because nothing is sent to them but a number."""


def by_history(
    series: pd.DataFrame, wanted: Iterable[int], ask: Callable[[pd.DataFrame], Answer]
) -> dict[int, Answer]:
    """Return what a function says of each wanted history, the same with any number of processes.

    Args:
        series: table under `contracts.SERIES`, rows in any order.
        wanted: series_id of the histories to ask; those that the table does not hold are left out.
        ask: takes the rows of one history in order of time.

    Returns:
        The answers by series_id, in rising order.
    """
    table, starts = _in_order(series, wanted)
    n = len(starts) - 1
    workers = min(cpu_count(), n // FEWEST_SHARED)
    if workers < 2 or not CAN_FORK:
        # Matrices are so small that a second thread only waits for the first, and takes CPU time for that.
        with threadpool_limits(1):
            return _answers(table, starts, ask, 0, n)
    borders = np.linspace(0, n, workers * PARTS_PER_PROCESS + 1).astype(int).tolist()
    _asked.append((table, starts, ask))
    try:
        with get_context("fork").Pool(workers, initializer=threadpool_limits, initargs=(1,)) as pool:
            parts = pool.map(_answer_part, zip(borders[:-1], borders[1:], strict=True), chunksize=1)
    finally:
        _asked.pop()
    return {name: answer for part in parts for name, answer in part.items()}


def _in_order(series: pd.DataFrame, wanted: Iterable[int]) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the rows of the wanted histories, one history after the other, and where each begins."""
    ids = series["series_id"].to_numpy()
    table = series[np.isin(ids, np.fromiter(wanted, dtype=np.int64))]
    ids, time_h = table["series_id"].to_numpy(), table["time_h"].to_numpy()
    if not ((ids[1:] > ids[:-1]) | ((ids[1:] == ids[:-1]) & (time_h[1:] >= time_h[:-1]))).all():
        table = table.iloc[np.lexsort([time_h, ids])]
        ids = table["series_id"].to_numpy()
    return table, bounds_of(ids)


def _answers(
    table: pd.DataFrame, starts: np.ndarray, ask: Callable[[pd.DataFrame], Answer], first: int, last: int
) -> dict[int, Answer]:
    ids = table["series_id"].to_numpy()
    return {int(ids[starts[k]]): ask(table.iloc[starts[k] : starts[k + 1]]) for k in range(first, last)}


def _answer_part(part: tuple[int, int]) -> dict[int, Any]:
    table, starts, ask = _asked[-1]
    return _answers(table, starts, ask, *part)
