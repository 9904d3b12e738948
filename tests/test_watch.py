from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from lensfree.watch import Job, describe_run, duration_in_words, read_jobs

ROOT = Path(__file__).parents[1]
STAMP = "2026-01-01 10:00:00,000 INFO lensfree"


def head(process: int | None = None, host: str | None = None) -> str:
    where = f"process {os.getpid() if process is None else process} on {host or socket.gethostname()}"
    return f"{STAMP}: job: quantify acquisition=a\n{STAMP}: {where}, no GPU, 2 threads granted\n"


def tell(folder: Path, name: str, text: str, written_s: float = 1000.0) -> Path:
    path = folder / f"{name}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    os.utime(path, (written_s, written_s))
    return path


def progress(words: str) -> str:
    return f"{STAMP}.progress: progress: {words}\n"


def only(folder: Path, now_s: float = 1000.0) -> Job:
    (job,) = read_jobs(folder, now_s)
    return job


def test_a_running_job_is_read_from_its_last_whole_line(tmp_path):
    text = head() + progress("3 of 48 frames, 0.25 frames/s, 180 s left")
    text += progress("12 of 48 frames, 0.5 frames/s, 72 s left")
    tell(tmp_path, "quantify/a/0000", text)
    expected = Job("quantify/a/0000", "running", "12 of 48 frames", "0.5 frames/s", 72, 0.0)
    assert only(tmp_path) == expected
    tell(tmp_path, "quantify/a/0000", text + f"{STAMP}.progress: progress: 24 of 48 frames, 0.5 fra")
    assert only(tmp_path) == expected


def test_what_is_left_becomes_less_while_the_log_is_silent(tmp_path):
    tell(tmp_path, "track/a", head() + progress("10 of 20 frames, 1 frames/s, 50 s left"))
    assert only(tmp_path, 1030.0).left_s == 20
    assert only(tmp_path, 1090.0).left_s == 0


def test_ends_are_told_apart(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    tell(tmp_path, "a/running", head())
    tell(tmp_path, "a/elsewhere", head(process=gone.pid, host="another-node"))
    tell(tmp_path, "a/killed", head(process=gone.pid) + progress("1 of 2 frames, 1 frames/s, 1 s left"))
    tell(tmp_path, "a/finished", head(process=gone.pid) + f"{STAMP}: finished in 3.0 s, 2.0 s of CPU\n")
    tell(tmp_path, "a/failed", head(process=gone.pid) + "Traceback\n\nerror: f3.tif: the file is missing\n")
    lines = f"{STAMP}: failed; it ran 3.0 s\nTraceback\n\nerror: two\nlines\n"
    tell(tmp_path, "a/failed_at_length", head(process=gone.pid) + lines)
    assert {job.name: job.state for job in read_jobs(tmp_path, 1000.0)} == {
        "a/running": "running",
        "a/elsewhere": "running",
        "a/killed": "stopped",
        "a/finished": "finished",
        "a/failed": "failed",
        "a/failed_at_length": "failed",
    }


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00no log of ours", b"half a li", b"\n\n", b"\xc3"])
def test_strange_files_do_not_disturb(tmp_path, content):
    (tmp_path / "strange.log").write_bytes(content)
    os.utime(tmp_path / "strange.log", (1000.0, 1000.0))
    assert only(tmp_path) == Job("strange", "running")


def test_only_the_end_of_a_long_log_is_read(tmp_path):
    text = head() + f"{STAMP}: frame 1: 3 cells é\n" * 20_000
    tell(tmp_path, "quantify/a", text + progress("5 of 9 frames, 2 frames/s, 2 s left"))
    assert only(tmp_path).progress == "5 of 9 frames"
    tell(tmp_path, "quantify/a", text)
    assert only(tmp_path).state == "running"


def test_no_folder_has_no_jobs(tmp_path):
    assert read_jobs(tmp_path / "logs") == []
    assert describe_run([]) == ["0 jobs: 0 running, 0 finished, 0 failed, 0 stopped"]


def test_a_line_per_job_that_is_not_finished_and_running_ones_first():
    jobs = [
        Job("focus/a", "finished"),
        Job("load/a/0000", "failed"),
        Job("quantify/a/0000", "running", "12 of 48 frames", "0.5 frames/s", 72),
        Job("track/a", "running", silent_s=400.0),
        Job("track/b", "stopped", "1 of 2 frames"),
    ]
    assert describe_run(jobs) == [
        "job              done             rate          left",
        "quantify/a/0000  12 of 48 frames  0.5 frames/s  72 s",
        "track/a          -                -             -, silent for 7 min",
        "load/a/0000      -                -             failed, see its log",
        "track/b          1 of 2 frames    -             killed before its end",
        "5 jobs: 2 running, 1 finished, 1 failed, 1 stopped",
    ]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (99, "99 s"), (150, "2 min"), (5940, "99 min"), (11_100, "3 h 05 min")],
)
def test_durations(seconds, words):
    assert duration_in_words(seconds) == words


def test_the_script_prints_once_or_again_and_again(tmp_path):
    tell(tmp_path, "track/a", head() + progress("10 of 20 frames, 1 frames/s, 50 s left"))
    command = [sys.executable, str(ROOT / "scripts" / "watch.py"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "1 jobs: 1 running, 0 finished, 0 failed, 0 stopped"
    assert "10 of 20 frames" in done.stdout
