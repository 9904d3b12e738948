"""What a line of the table of benchmarks says of the machine."""

import os
import platform
from itertools import count

import measured
import pytest
import torch


@pytest.fixture
def three_cores(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    monkeypatch.setattr(measured, "processor", lambda: "Abacus 9000")
    monkeypatch.setattr(measured, "core_gflops", lambda: 61.7)
    return monkeypatch


@pytest.mark.parametrize("load", [0.2, 3.0, 4.0])
def test_a_machine_that_has_nothing_else_to_do_is_named_by_processor_threads_and_speed(three_cores, load):
    three_cores.setattr(os, "getloadavg", lambda: (load, 9.0, 9.0))
    assert measured.this_machine() == "Abacus 9000, 2 threads, 62 GFLOP/s a core"


def test_other_jobs_are_told_with_the_load_of_the_last_minute(three_cores):
    three_cores.setattr(os, "getloadavg", lambda: (7.36, 0.0, 0.0))
    line = measured.entry(1.5, "s", "lower", "what", 3, "benchmarks/one.py")
    assert line["machine"].endswith("a core, beside other jobs (load 7.4 on 3 cores)")
    assert (line["value"], line["n"], line["command"]) == (1.5, 3, "python benchmarks/one.py")


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("processor\t: 0\nmodel name\t: Abacus 9000\nmodel name\t: other\n", "Abacus 9000"),
        ("processor\t: 0\nmodel name\t:\n", platform.machine()),
        (None, platform.machine()),
    ],
)
def test_a_processor_without_a_name_is_called_by_its_architecture(tmp_path, monkeypatch, said, name):
    if said is not None:
        (tmp_path / "cpuinfo").write_text(said)
    monkeypatch.setattr(measured, "CPU_INFO", tmp_path / "cpuinfo")
    assert measured.processor() == name


def test_the_yardstick_is_of_one_core_and_leaves_the_threads_as_they_were(monkeypatch):
    monkeypatch.setattr(measured, "YARDSTICK", 64)
    monkeypatch.setattr(measured.time, "perf_counter", count(0.0, 0.25).__next__)
    threads = torch.get_num_threads()
    assert measured.core_gflops.__wrapped__() == pytest.approx(2e-9 * 64**3 / 0.25)
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize(("value", "text"), [(0.8774, "0.8774"), (-0.00012, "-0.0001"), (29.614, "29.61")])
def test_shares_are_shown_finely_enough_to_be_held_against_a_target(value, text):
    assert measured.shown(value) == text
