"""A real Slurm runs the workflow through its profile: memory, time, a GPU, and what goes wrong there.

`make test-slurm` brings the cluster up on this one machine, as root; `make test` leaves it alone, because
every Snakemake that starts meanwhile would talk to it.
"""

import os
import re
import shutil
import signal
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

import h5py
import numpy as np
import one_node_slurm as slurm
import pandas as pd
import pytest
from conftest import CONFIG, COPIED, ROOT, ROW, Workplace, hear_interrupts, write_frame

from lensfree.contracts import CELLS, FOCUS, FRAMES, TRACKS
from lensfree.io.tables import read_table

pytestmark = [pytest.mark.workflow, pytest.mark.slurm]

WISH = "LENSFREE_SLURM"
QUICK = (
    *("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "2"),
    *("--seconds-between-status-checks", "2", "--slurm-no-account", "--latency-wait", "5"),
)
"""For a cluster without accounting whose jobs are short; the rest is as the profile says."""

TARGET = "results/plate/tracks.parquet"
WHOLE_WAY = [(*ROW[:-1], "report")]
PATIENCE_S = 900
"""How long a run may take on a busy machine; on a quiet one all of this file takes three minutes."""

ASLEEP = "\n    import logging, time\n    logging.getLogger('lensfree').info('asleep')\n    time.sleep(900)"
SLEEPERS = """
rule all:
    input:
        expand("slept/{n}", n=range(3)),

rule sleep:
    output:
        "slept/{n}",
    threads: 2
    shell:
        "echo begun > {output}; sleep 900"
"""


@pytest.fixture(scope="module")
def cluster():
    """Slurm, up for the tests of this file and down afterwards whatever happens."""
    wish = os.environ.get(WISH, "")
    if not wish:
        pytest.skip(f"brings up Slurm on this machine; `make test-slurm` does, and sets {WISH}")
    reason = slurm.why_not()
    if find_spec("snakemake_executor_plugin_slurm") is None:
        reason = reason or "the extra lensfree[slurm] is not installed"
    if reason and wish == "must":
        pytest.fail(f"Slurm was asked for and cannot be brought up: {reason}")
    if reason:
        pytest.skip(reason)
    try:
        slurm.up()
        yield
    finally:
        slurm.down()
        assert not slurm.SETTINGS.exists()


def raw_files(folder: Path, project: Path = ROOT) -> Workplace:
    """Return a workplace with three frames and nothing computed."""
    for frame in range(3):
        write_frame(folder, frame)
    return Workplace(project, folder, WHOLE_WAY, CONFIG)


@pytest.fixture(scope="module")
def place(cluster, tmp_path_factory) -> Workplace:
    """Raw files of which Slurm's jobs make everything, one test after the other."""
    return raw_files(tmp_path_factory.mktemp("slurm"))


@pytest.fixture(scope="module")
def local(cluster, tmp_path_factory):
    """The same made without Slurm, meanwhile."""
    made = raw_files(tmp_path_factory.mktemp("local"))
    made.write()
    with open(made.folder / "said.txt", "w", encoding="utf-8") as said:
        running = subprocess.Popen(
            made.command(TARGET), cwd=made.folder, env=made.environment(), stdout=said, stderr=said
        )
    yield running, made
    running.kill()
    running.wait()


@pytest.fixture(scope="module")
def overdue(place, tmp_path_factory):
    """A run on its way, whose job of stage quantify sleeps for longer than the minute that it is given."""
    project = tmp_path_factory.mktemp("project")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, project / name)
    script = project / "scripts" / "quantify.py"
    text = script.read_text(encoding="utf-8")
    slow = re.sub(r"(with job_log\(.*\):)", rf"\1{ASLEEP}", text)
    assert slow != text
    script.write_text(slow, encoding="utf-8")
    slower = Workplace(project, place.folder, place.rows, place.config)
    limits = ("--retries", "0", "--set-resources", "quantify:runtime=1")
    running = begin(slower, *limits, "--", "results/plate/cells/0000.parquet")
    yield running
    running.kill()
    running.communicate()


def arguments(place: Workplace) -> list[str]:
    return ["--workflow-profile", str(place.project / "profiles" / "slurm"), *QUICK]


def begin(place: Workplace, *more: str) -> subprocess.Popen:
    place.write()
    return subprocess.Popen(
        place.command(*arguments(place), *more),
        cwd=place.folder,
        env=place.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(place: Workplace, *more: str) -> str:
    running = begin(place, *more)
    said = running.communicate(timeout=PATIENCE_S)[0]
    assert running.returncode == 0, said
    return said


def wait_for(condition, seconds: float = PATIENCE_S) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.3)
    return False


def megabytes(job: dict[str, str]) -> int:
    return int(re.search(r"mem=(\d+)M", job["Tres"])[1])


def submitted(said: str, rule: str) -> list[tuple[str, Path]]:
    """Return the jobs that were sent for a rule, as Slurm's id and the log that the output names."""
    found = re.findall(r"SLURM jobid (\d+) \(log: (\S+)\)", said)
    return [(number, Path(log)) for number, log in found if f"/rule_{rule}/" in log]


def test_a_job_that_was_killed_for_memory_is_sent_again_with_more(place):
    said = run(place, "--set-resources", "load:mem_mb=120*attempt**3", "--", "results/plate/frames.parquet")
    assert len(read_table(place.results() / "frames.parquet", FRAMES)) == 3
    ended = {job["JobId"]: job for job in slurm.ended()}
    tries = [ended[number] for number, _ in submitted(said, "load")]
    assert sorted((job["JobState"], megabytes(job)) for job in tries) == [
        *(("COMPLETED", 960),) * 2,
        *(("FAILED", 120),) * 2,
    ]
    killed = [log for number, log in submitted(said, "load") if ended[number]["JobState"] == "FAILED"]
    assert all("exceeded memory limit" in log.read_text(encoding="utf-8") for log in killed)
    assert slurm.jobs() == []


def test_an_interrupted_run_cancels_its_jobs(overdue, local, tmp_path, place):
    (tmp_path / "Snakefile").write_text(SLEEPERS, encoding="utf-8")
    told = tmp_path / "said.txt"
    with open(told, "w", encoding="utf-8") as said:
        running = subprocess.Popen(
            [*place.command()[:3], *arguments(place)],
            cwd=tmp_path,
            env=place.environment(),
            stdout=said,
            stderr=said,
            preexec_fn=hear_interrupts,
        )

    def own() -> list[str]:
        return [job for job in slurm.jobs() if str(tmp_path) in job]

    def sent() -> list[tuple[str, Path]]:
        return submitted(told.read_text(encoding="utf-8"), "sleep")

    try:
        assert wait_for(lambda: len(sent()) == 3 and any("RUNNING" in job for job in own()))
        time.sleep(5)  # the plugin looks after its jobs from the first question for their state on
        running.send_signal(signal.SIGINT)
        running.wait(timeout=PATIENCE_S)
    finally:
        running.kill()
        running.wait()
    said = told.read_text(encoding="utf-8")
    assert running.returncode != 0, said
    assert wait_for(lambda: own() == [], 60), (own(), said)
    states = {job["JobId"]: job["JobState"] for job in slurm.ended()}
    assert [states[number] for number, _ in sent()] == ["CANCELLED"] * 3


def test_a_job_beyond_its_time_fails_clearly_and_nothing_is_lost(overdue, place):
    said = overdue.communicate(timeout=PATIENCE_S)[0]
    assert overdue.returncode != 0
    assert "Error in rule quantify" in said
    [(number, log)] = submitted(said, "quantify")
    assert {job["JobId"]: job["JobState"] for job in slurm.ended()}[number] == "TIMEOUT"
    assert "DUE TO TIME LIMIT" in log.read_text(encoding="utf-8")
    assert "asleep" in (place.folder / "logs" / "quantify" / "plate" / "0000.log").read_text(encoding="utf-8")
    assert (place.results() / "opd" / "0000.h5").is_file()
    assert list((place.results() / "cells").glob("*")) == []
    assert slurm.jobs() == []


def test_the_same_command_ends_with_what_a_local_run_makes(place, local):
    running, local = local
    before = {path: path.stat().st_mtime_ns for path in place.results().rglob("*") if path.is_file()}
    said = run(place, "--", TARGET)
    assert all(path.stat().st_mtime_ns == then for path, then in before.items())
    assert running.wait(timeout=PATIENCE_S) == 0, (local.folder / "said.txt").read_text(encoding="utf-8")
    for name, contract in {"focus": FOCUS, "frames": FRAMES, "tracks": TRACKS}.items():
        tables = [read_table(made.results() / f"{name}.parquet", contract) for made in (place, local)]
        pd.testing.assert_frame_equal(*tables, check_exact=True)
    for chunk in ("0000", "0001"):
        tables = [read_table(made.results() / "cells" / f"{chunk}.parquet", CELLS) for made in (place, local)]
        pd.testing.assert_frame_equal(*tables, check_exact=True)
        for name in ("opd_nm", "absorption"):
            maps = [h5py.File(made.results() / "opd" / f"{chunk}.h5")[name][:] for made in (place, local)]
            np.testing.assert_array_equal(*maps)
    ended = {job["JobId"]: job for job in slurm.ended()}
    on_gpu = [number for number, _ in submitted(said, "reconstruct") + submitted(said, "quantify")]
    assert len(on_gpu) == 4 - (place.results() / "opd" / "0000.h5" in before)
    assert all(ended[number]["Partition"] == "gpu" and slurm.gpus(number) == 1 for number in on_gpu)
    [(number, _)] = submitted(said, "track")
    track = ended[number]
    assert track["Partition"] == "cpu" and slurm.gpus(number) == 0
    asked = place.run(
        "--dry-run", "--quiet", "host", "--forcerun", "track", "--", "results/plate/tracks.parquet"
    )
    assert f"mem_mb={megabytes(track)}," in asked.split("rule track")[1]
    assert list((place.folder / "logs" / "slurm" / "rule_track").rglob("*.log")) == []
