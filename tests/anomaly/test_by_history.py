"""Histories that are asked one by one, in one process and in several."""

from __future__ import annotations

import os
import signal
from concurrent.futures.process import BrokenProcessPool

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from lensfree.anomaly import by_history as module
from lensfree.anomaly.by_history import begin_by_history, by_history
from lensfree.anomaly.explained import with_reasons
from lensfree.anomaly.norms import Norms
from lensfree.anomaly.reasons import log_odds
from lensfree.simulate.series import simulate_series

N = 150


@pytest.fixture(scope="module")
def series():
    return simulate_series(N, (60, 110), np.random.default_rng(71077), 0.3)[0]


def with_cores(monkeypatch, cores: int) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", str(cores))


def test_several_processes_answer_what_one_does(series, monkeypatch):
    norms = Norms.learn(series)
    with_cores(monkeypatch, 1)
    alone = by_history(series, range(N), lambda rows: log_odds(rows, norms))
    with_cores(monkeypatch, 2)
    shared = by_history(series, range(N), lambda rows: log_odds(rows, norms))
    assert list(shared) == list(alone) == list(range(N))
    # Sums of products differ in the last digit with where the numbers lie in memory, in one process as well.
    np.testing.assert_allclose([*shared.values()], [*alone.values()], rtol=1e-12)


@pytest.mark.parametrize("cores", [1, 2])
def test_each_process_multiplies_its_small_matrices_on_one_core(series, monkeypatch, cores):
    with_cores(monkeypatch, cores)
    with threadpool_limits(2):
        threads = by_history(
            series, range(N), lambda rows: [pool["num_threads"] for pool in threadpool_info()]
        )
        outside = [pool["num_threads"] for pool in threadpool_info()]
    assert all(number == 1 for numbers in threads.values() for number in numbers)
    assert 2 in outside and threads[0]


def test_reasons_do_not_depend_on_the_number_of_processes(series, monkeypatch):
    scores = pd.DataFrame(
        {
            "series_id": np.arange(N),
            "n_windows": 1,
            "anomaly_score": 0.0,
            "surprise": np.arange(N)[::-1],
            "view": "window",
            "is_flagged": False,
        }
    )
    events = pd.DataFrame({"kind": "swap", "time_h": 5.0, "cell_id": series["cell_id"].unique()})
    tables = []
    for cores in (1, 2):
        with_cores(monkeypatch, cores)
        tables.append(with_reasons(scores, series, Norms.learn(series), events))
    pd.testing.assert_frame_equal(*tables, check_exact=True)
    assert tables[0]["kind"].nunique() > 4


@pytest.mark.skipif(not module.CAN_FORK, reason="processes are shared where they can be forked")
def test_the_work_is_shared_evenly_and_only_where_it_is_worth_it(series, monkeypatch):
    with_cores(monkeypatch, 2)
    of = by_history(series, range(N), lambda rows: os.getpid())
    assert os.getpid() not in of.values() and len(set(of.values())) <= 2
    few = by_history(series, range(2 * module.FEWEST_SHARED - 1), lambda rows: os.getpid())
    assert set(few.values()) == {os.getpid()}
    with_cores(monkeypatch, 1)
    assert set(by_history(series, range(N), lambda rows: os.getpid()).values()) == {os.getpid()}


def test_rows_come_in_order_of_time_whatever_the_order_of_the_table(series):
    mixed = series.sample(frac=1, random_state=3)
    seen = by_history(mixed, [7, 2, 990], lambda rows: rows.reset_index(drop=True))
    assert list(seen) == [2, 7]
    for name, rows in seen.items():
        expected = series[series["series_id"] == name].reset_index(drop=True)
        pd.testing.assert_frame_equal(rows, expected)


def test_nothing_wanted_asks_nothing(series):
    assert by_history(series, [], lambda rows: 1 / 0) == {}
    assert by_history(series.iloc[:0], [1, 2], lambda rows: 1 / 0) == {}


@pytest.mark.parametrize("cores", [1, 2])
def test_an_error_in_a_history_is_that_of_the_call(series, monkeypatch, cores):
    def refuse(rows):
        if rows["series_id"].iloc[0] == 140:
            raise ValueError("history 140 is wrong")
        return 0

    with_cores(monkeypatch, cores)
    with pytest.raises(ValueError, match="history 140 is wrong"):
        by_history(series, range(N), refuse)


@pytest.mark.skipif(not module.CAN_FORK, reason="processes are shared where they can be forked")
def test_a_process_that_is_killed_ends_the_call(series, monkeypatch):
    def die(rows):
        if rows["series_id"].iloc[0] == 140:
            os.kill(os.getpid(), signal.SIGKILL)
        return 0

    with_cores(monkeypatch, 2)
    with pytest.raises(BrokenProcessPool):
        by_history(series, range(N), die)


@pytest.mark.parametrize("cores", [1, 2])
def test_answers_can_be_waited_for_later(series, monkeypatch, cores):
    with_cores(monkeypatch, cores)
    answers = begin_by_history(series, range(N), lambda rows: len(rows))
    counts = series.groupby("series_id").size()
    assert answers() == counts.to_dict()
