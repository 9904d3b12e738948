"""Work in a process of its own: answers, failures, limits, and what it cost."""

import os
import time

import numpy as np
import pytest
from own_process import cost_of, in_own_process, in_own_process_within, resident_mb


def pid(_):
    return os.getpid()


def fail():
    raise KeyError("nothing here")


def sleep(seconds):
    time.sleep(seconds)
    return seconds


def die():
    os._exit(7)


def test_an_answer_comes_from_another_process():
    assert in_own_process(pid, 0) != os.getpid()
    assert in_own_process_within(60.0, pid, 0) != os.getpid()


def test_what_takes_longer_than_the_limit_is_ended():
    start = time.monotonic()
    with pytest.raises(TimeoutError, match="sleep is not done after 0.2 s"):
        in_own_process_within(0.2, sleep, 600.0)
    assert time.monotonic() - start < 60.0


def test_a_failure_is_passed_on():
    with pytest.raises(RuntimeError, match="fail failed: KeyError"):
        in_own_process_within(60.0, fail)


def test_a_process_that_dies_says_so():
    with pytest.raises(RuntimeError, match="die failed: it ended without a word"):
        in_own_process_within(60.0, die)


def test_cost_is_that_of_the_call():
    kept = np.ones(20_000_000)  # 160 MB before the call do not count

    def work():
        large = np.ones(30_000_000)
        return float(large.sum())

    found, cpu_s, peak_mb = cost_of(work)
    assert found == 3e7 and 0 < cpu_s < 60
    assert peak_mb == pytest.approx(240.0, abs=30.0)
    assert resident_mb("VmRSS") > kept.nbytes / 1e6
