"""What a line of the table of benchmarks says of the machine."""

import os
import platform

import descent
import pytest


@pytest.fixture
def three_cores(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    return monkeypatch


@pytest.mark.parametrize("load", [0.2, 3.0, 4.0])
def test_a_machine_that_has_nothing_else_to_do_is_named_by_its_threads(three_cores, load):
    three_cores.setattr(os, "getloadavg", lambda: (load, 9.0, 9.0))
    assert descent.this_machine() == f"{platform.machine()}, 2 threads"


def test_other_jobs_are_told_with_the_load_of_the_last_minute(three_cores):
    three_cores.setattr(os, "getloadavg", lambda: (7.36, 0.0, 0.0))
    line = descent.entry(1.5, "s", "lower", "what", 3, "benchmarks/one.py")
    assert line["machine"] == f"{platform.machine()}, 2 threads, beside other jobs (load 7.4 on 3 cores)"
    assert (line["value"], line["n"], line["command"]) == (1.5, 3, "python benchmarks/one.py")
