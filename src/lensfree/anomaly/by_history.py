"""The same question to many histories, shared between the processes that this job may use.

What a history is asked takes some milliseconds of small matrices, which threads of one interpreter cannot
share. Processes are forked, so that they find the table in memory and only answers travel.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
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
"""What a forked process works on: nothing is sent to it but the numbers of histories."""


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
    return begin_by_history(series, wanted, ask)()


def begin_by_history(
    series: pd.DataFrame, wanted: Iterable[int], ask: Callable[[pd.DataFrame], Answer]
) -> Callable[[], dict[int, Answer]]:
    """Let other processes begin to ask; what is returned waits for the answers of `by_history`.

    Meanwhile this process can do something else. With one process the histories are asked when they are
    waited for. Wait before beginning again: the processes are forked, and to wait takes a thread.
    """
    table, starts = _in_order(series, wanted)
    n = len(starts) - 1
    workers = min(cpu_count(), n // FEWEST_SHARED)
    if workers < 2 or not CAN_FORK:
        return lambda: _alone(table, starts, ask)
    borders = np.linspace(0, n, workers * PARTS_PER_PROCESS + 1).astype(int).tolist()
    pool = ProcessPoolExecutor(workers, get_context("fork"), _begin, (table, starts, ask))
    parts = pool.map(_answer_part, borders[:-1], borders[1:])

    def wait() -> dict[int, Answer]:
        with pool:
            return {name: answer for part in parts for name, answer in part.items()}

    return wait


def _alone(
    table: pd.DataFrame, starts: np.ndarray, ask: Callable[[pd.DataFrame], Answer]
) -> dict[int, Answer]:
    # Matrices are so small that a second thread only waits for the first, and takes CPU time for that.
    with threadpool_limits(1):
        return _answers(table, starts, ask, 0, len(starts) - 1)


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


def _begin(*asked: Any) -> None:
    threadpool_limits(1)
    _asked[:] = asked


def _answer_part(first: int, last: int) -> dict[int, Any]:
    table, starts, ask = _asked
    return _answers(table, starts, ask, first, last)
