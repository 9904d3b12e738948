"""Every job of a run leaves a log that explains it and a benchmark; a run can be watched by them."""

import re

import pytest

from lensfree.watch import describe_run, read_jobs

pytestmark = pytest.mark.workflow


@pytest.mark.parametrize("name", ["finished", "finished_movie"])
def test_every_job_has_a_log_that_explains_it_and_a_benchmark(name, request):
    logs = request.getfixturevalue(name).folder / "logs"
    jobs = read_jobs(logs)
    assert {job.state for job in jobs} == {"finished"}
    assert describe_run(jobs) == [f"{len(jobs)} jobs: 0 running, {len(jobs)} finished, 0 failed, 0 stopped"]
    for job in jobs:
        text = (logs / f"{job.name}.log").read_text(encoding="utf-8")
        rule = job.name.split("/")[0]  # and export_csv, which is an export
        assert re.search(rf" lensfree: job: {rule}(_\w+)? ", text), job.name
        assert re.search(r"process \d+ on \S+, no GPU|a GPU, CUDA_VISIBLE_DEVICES", text), job.name
        assert re.search(r"versions: lensfree \S+, python 3\.\d+\.\d+, numpy ", text), job.name
        assert " seed: " in text and re.search(r'settings: \{.*"code": "[0-9a-f]{16}"', text), job.name
        header, values = (logs / f"{job.name}.tsv").read_text(encoding="utf-8").splitlines()
        assert dict(zip(header.split("\t"), values.split("\t"), strict=True)).keys() >= {"s", "cpu_time"}


def test_stages_time_their_parts(finished, finished_movie):
    for place, job, parts in (
        (finished, "load/plate/0000", ("read", "write")),
        (finished, "focus/plate", ("register",)),
        (finished, "reconstruct/plate/0000", ("retrieve", "wait for reading", "wait for writing")),
        (finished_movie, "ingest/movie/0000", ("read", "write")),
        (finished_movie, "quantify/movie/0000", ("read", "measure")),
        (finished_movie, "track/movie", ("motion of the field", "link", "fusions", "lineage")),
    ):
        last = (place.folder / "logs" / f"{job}.log").read_text(encoding="utf-8").splitlines()[-1]
        assert set(re.findall(r"(?:[;,] )([a-z ]+) \d+\.\d s", last)) >= set(parts), job
