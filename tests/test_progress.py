from __future__ import annotations

import logging
import threading

import pytest

from lensfree.progress import Parts, Progress, followed, timed


class Clock:
    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


def run(total, seconds_per_step, caplog, unit="frames"):
    """Work through `total` steps of one duration; return the seconds at which lines came, and the lines."""
    clock = Clock()
    progress = Progress(total, unit, clock)
    told_s = []
    with caplog.at_level(logging.INFO, logger="lensfree.progress"):
        for _ in range(total):
            clock.now_s += seconds_per_step
            before = len(caplog.messages)
            progress.step()
            told_s += [clock.now_s - 100.0] * (len(caplog.messages) - before)
    return told_s, list(caplog.messages)


def test_a_line_says_what_is_done_how_fast_and_what_is_left(caplog):
    told_s, lines = run(48, 4.0, caplog)
    # 5 % of 48 are 2.4 frames, so the first line is due after 3 frames and 10 s: at 12 s.
    assert told_s[:2] == [12.0, 24.0]
    assert lines[0] == "progress: 3 of 48 frames, 0.25 frames/s, 180 s left"
    assert lines[-1] == "progress: 48 of 48 frames, 0.25 frames/s, 0 s left"


def test_short_jobs_say_nothing(caplog):
    assert run(100, 0.05, caplog) == ([], [])


def test_fast_frames_do_not_fill_the_log(caplog):
    told_s, _ = run(2000, 0.02, caplog)  # 40 s
    gaps_s = [b - a for a, b in zip(told_s, told_s[1:], strict=False)]
    assert len(told_s) == 4
    assert min(gaps_s[:-1]) >= 10.0 - 1e-6  # the last line says that it is done, whenever that is


def test_long_jobs_tell_every_twentieth_and_at_least_once_a_minute(caplog):
    told_s, _ = run(400, 1.0, caplog)
    assert told_s == [20.0 * k for k in range(1, 21)]
    caplog.clear()
    told_s, _ = run(10_000, 1.0, caplog, unit="steps")
    assert told_s[:3] == [60.0, 120.0, 180.0]


def test_the_rate_forgets_a_slow_beginning():
    clock = Clock()
    progress = Progress(100, clock=clock)
    for seconds in (60.0, *[1.0] * 30):
        clock.now_s += seconds
        progress.step()
    assert progress.line() == "31 of 100 frames, 1 frames/s, 69 s left"


def test_without_time_there_is_no_rate():
    clock = Clock()
    progress = Progress(3, "epochs", clock)
    assert progress.line() == "0 of 3 epochs"
    progress.step(3)
    assert progress.line() == "3 of 3 epochs"


def test_following_changes_nothing_and_needs_a_total_only_without_a_length():
    assert list(followed([3, 1, 2])) == [3, 1, 2]
    assert list(followed(iter("ab"), 2)) == ["a", "b"]
    assert list(followed([])) == []
    with pytest.raises(ValueError, match="got items without a length and no total, expected one of them"):
        list(followed(iter("ab")))


def test_what_is_raised_in_the_loop_goes_through():
    with pytest.raises(KeyError):
        for _ in followed([1, 2]):
            raise KeyError("x")


def test_parts_add_up_in_the_order_in_which_they_first_ended():
    parts = Parts()
    parts.add("read", 1.0)
    parts.add("retrieve", 30.0)
    parts.add("read", 0.26)
    assert parts.line() == "read 1.3 s, retrieve 30.0 s"
    parts.begin()
    assert parts.line() == ""


def test_threads_may_add_at_once():
    parts = Parts()
    threads = [
        threading.Thread(target=lambda: [parts.add("write", 0.5) for _ in range(1000)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert parts.seconds == {"write": 2000.0}


def test_getting_items_is_timed_and_using_them_is_not(monkeypatch):
    clock, parts = Clock(), Parts()
    monkeypatch.setattr("lensfree.progress.time.monotonic", clock)
    monkeypatch.setattr("lensfree.progress.PARTS", parts)

    def slowly():
        for item in "abc":
            clock.now_s += 2.0
            yield item

    for _ in timed("read", slowly()):
        clock.now_s += 50.0
    assert parts.seconds == {"read": 6.0}
