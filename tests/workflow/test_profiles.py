"""The workflow is clean to Snakemake's own eye and runs when a scheduler starts its jobs."""

import pytest

from lensfree.contracts import FRAMES
from lensfree.io.tables import read_table

pytestmark = pytest.mark.workflow


def test_lint(fresh):
    assert "your workflow is in a good condition" in fresh.run("--lint")


def test_jobs_run_when_a_scheduler_starts_them(fresh):
    profile = str(fresh.project / "profiles" / "generic")
    commands = [
        argument
        for name in ("submit", "status")
        for argument in (f"--cluster-generic-{name}-cmd", f"{profile}/{name}.sh")
    ]
    fresh.run(
        "--workflow-profile",
        profile,
        *commands,
        "--seconds-between-status-checks",
        "1",
        "results/plate/frames.parquet",
    )
    assert len(read_table(fresh.results() / "frames.parquet", FRAMES)) == 3


def test_a_gpu_job_asks_for_one_gpu_and_the_workstation_has_one(fresh):
    fresh.config["reconstruct"] = {**fresh.config["reconstruct"], "device": "cuda"}
    text = fresh.run("--quiet", "host", "--dry-run", "results/plate/opd/0000.h5")
    assert "gpu=1" in text
    fresh.config["reconstruct"] = {**fresh.config["reconstruct"], "device": "cpu"}
    assert "gpu=1" not in fresh.run("--quiet", "host", "--dry-run", "results/plate/opd/0000.h5")
