"""Simulated acquisitions: their errors reach the report, and only theirs."""

import re

import pytest
from conftest import ROOT, ROW, Workplace, write_frame

pytestmark = pytest.mark.workflow

SIMULATED = ("virtual", "culture", "simulated", "", *ROW[4:8], "report")


@pytest.fixture
def both(tmp_path) -> Workplace:
    """A recorded and a simulated acquisition of which nothing is computed."""
    write_frame(tmp_path, 0)
    place = Workplace(ROOT, tmp_path, [ROW, SIMULATED])
    place.config = {**place.config, "simulate": {"frames": 12}}
    return place


def test_the_report_reads_the_errors_of_simulated_acquisitions_only(both):
    text = both.run("--quiet", "host", "--dry-run", "--forceall")
    jobs = re.findall(r"^rule (report|simulate):\n((?:    .*\n)*)", text, flags=re.MULTILINE)
    parts = {
        (rule, re.search(r"acquisition=(\w+)", body)[1]): {
            name: re.findall(r"[^\s,]+", files)
            for name, files in re.findall(r"^    (input|output): (.*)$", body, flags=re.MULTILINE)
        }
        for rule, body in jobs
    }
    assert set(parts) == {("report", "plate"), ("report", "virtual"), ("simulate", "virtual")}
    faults = "results/virtual/faults.parquet"
    assert faults in parts["simulate", "virtual"]["output"]
    assert faults in parts["report", "virtual"]["input"]
    assert not [path for path in parts["report", "plate"]["input"] if "faults" in path]
