from __future__ import annotations

import json
import logging
import re
import sys
import time
from types import SimpleNamespace

import pytest

from lensfree import __version__
from lensfree.progress import part
from lensfree.stages.joblog import job_log, seeds_in, versions
from lensfree.watch import read_jobs

PARAMS = {"config": {"frames": 3, "seed": 7, "note": "µm"}, "code": "0123456789abcdef"}


def job(log, **params):
    """What a script gets from Snakemake, as far as the log looks at it."""
    return SimpleNamespace(
        log=[str(log)],
        rule="quantify",
        wildcards={"acquisition": "a", "chunk": "0001"},
        params=params,
        threads=2,
    )


def test_a_log_opens_with_what_explains_the_job(tmp_path):
    path = tmp_path / "logs" / "quantify" / "a.log"
    with job_log(job(path, **PARAMS)):
        pass
    lines = [line.split(" lensfree: ")[1] for line in path.read_text(encoding="utf-8").splitlines()]
    assert lines[0] == "job: quantify acquisition=a chunk=0001"
    assert re.fullmatch(r"process \d+ on \S+, (no GPU|a GPU, \S+), 2 threads granted", lines[1])
    assert lines[2].startswith(f"versions: lensfree {__version__}, python {sys.version.split()[0]}, numpy ")
    assert lines[3] == "seed: config.seed=7"
    assert json.loads(lines[4].removeprefix("settings: ")) == PARAMS
    assert re.fullmatch(r"finished in \d+\.\d s, \d+\.\d s of CPU, at most \d+ MB of memory", lines[5])
    assert len(lines) == 6


def test_the_versions_are_those_of_the_packages_and_none_is_imported(monkeypatch):
    import numpy

    found = versions()
    assert found["numpy"] == numpy.__version__
    assert {"snakemake", "torch", "trackpy", "h5py", "scikit-image"} <= set(found)
    monkeypatch.setattr("lensfree.stages.joblog.PACKAGES", ("no-such-package", "torch"))
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    assert list(versions()) == ["lensfree", "python", "torch"]
    assert "torch" not in sys.modules


def test_all_seeds_are_found():
    settings = {
        "seed": 1,
        "config": {"noise": {"first_seed": 2}, "seeds": [3, 4], "seeded": 5},
        "a": [{"seed": 6}],
    }
    assert seeds_in(settings) == {"seed": 1, "config.noise.first_seed": 2, "config.seeds": [3, 4]}
    assert seeds_in({}) == {}


def test_a_job_without_seeds_says_so(tmp_path):
    with job_log(job(tmp_path / "a.log", code="x")):
        pass
    assert "seed: none, nothing is random" in (tmp_path / "a.log").read_text(encoding="utf-8")


def test_the_end_gives_the_time_of_each_part_of_this_job_only(tmp_path):
    for name in ("first", "second"):
        with job_log(job(tmp_path / f"{name}.log")), part(f"the {name} thing"):
            time.sleep(0.06)
    last = (tmp_path / "second.log").read_text(encoding="utf-8").splitlines()[-1]
    assert re.search(r"MB of memory; the second thing 0\.[1-9] s$", last)


def test_a_failure_gives_times_the_whole_traceback_and_the_sentence(tmp_path, capsys):
    def deep():
        raise ValueError("got 3, expected 4; look at the file")

    path = tmp_path / "a.log"
    with pytest.raises(SystemExit), job_log(job(path, **PARAMS)):
        deep()
    text = path.read_text(encoding="utf-8")
    assert "ERROR lensfree: failed; it ran 0." in text
    assert "in deep" in text and 'raise ValueError("got 3' in text
    assert text.splitlines()[-1] == "error: got 3, expected 4; look at the file"
    assert "finished in" not in text
    assert capsys.readouterr().err == "error: got 3, expected 4; look at the file\n"


def test_a_path_alone_is_enough_and_logging_is_as_before(tmp_path):
    before = (logging.getLogger().level, list(logging.getLogger().handlers))
    with job_log(tmp_path / "a.log"):
        logging.getLogger("lensfree.x").info("said")
    assert (logging.getLogger().level, logging.getLogger().handlers) == before
    assert "INFO lensfree.x: said" in (tmp_path / "a.log").read_text(encoding="utf-8")


def test_the_watcher_reads_what_a_job_writes(tmp_path):
    with job_log(job(tmp_path / "a.log")):
        assert [j.state for j in read_jobs(tmp_path)] == ["running"]
    assert [j.state for j in read_jobs(tmp_path)] == ["finished"]
    with pytest.raises(SystemExit), job_log(job(tmp_path / "a.log")):
        raise ValueError("two\nlines")
    assert [j.state for j in read_jobs(tmp_path)] == ["failed"]
