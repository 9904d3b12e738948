"""The short soak: jobs killed at random moments and a damaged result, in one run of the workflow."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import CONFIG, ROOT

sys.path.append(str(ROOT / "benchmarks"))

from soak_faults import Outcome, damage_results
from soak_kills import Kills, run_and_kill
from soak_page import build_page
from soak_place import Place

pytestmark = [
    pytest.mark.workflow,
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds jobs through /proc"),
]


@pytest.fixture(scope="module")
def whole(finished):
    """The finished run of the other tests, and its files by digest."""
    place = Place(finished.project, finished.folder, ("plate",), {**CONFIG})
    return place, place.digests()


def test_killed_jobs_are_made_up_for_byte_by_byte(whole, tmp_path):
    undisturbed, truth = whole
    place = undisturbed.copied_to(tmp_path / "killed", with_results=False)
    kills = Kills({"background": 1, "load": 1, "reconstruct": 2, "report": 1}, {"load": 2.0, "report": 3.0})
    assert run_and_kill(place, kills, np.random.default_rng(5)), place.said()
    assert sum(kills.done.values()) == 5 - kills.left >= 3
    assert len(truth) > 8 and place.digests() == truth
    assert place.left_over() == []


def test_a_damaged_result_stops_with_its_name_and_comes_back(whole, tmp_path, monkeypatch):
    undisturbed, truth = whole
    place = undisturbed.copied_to(tmp_path / "damaged", with_results=True)
    readers = (("plate/focus.parquet", ("plate/opd/0000.h5",)),)
    monkeypatch.setattr("soak_faults.READERS", readers)
    (outcome,) = damage_results(place, truth, np.random.default_rng(3))
    assert outcome.is_good, outcome
    assert "results/plate/focus.parquet: the file " in outcome.said and "delete it and run" in outcome.said
    assert place.digests() == truth


def test_the_page_says_what_was_tried_and_what_failed():
    kills = {
        **{"done": {"load": 2}, "writing": {"load": 1}, "planned": {"load": 0}, "snakemake": 1, "seed": 3},
        **{"n_files": 9, "differing": [], "left_over": [], "cpu_s": 10.0},
    }
    good = Outcome("cut", "results/a.h5", True, True, f"error: {os.sep}home/me/results/a.h5: cut | off")
    bad = Outcome("flipped", "results/b.h5", False, True, "")
    told = {"outcomes": [vars(good), vars(bad)], "cpu_s": 1.0}
    nothing = {"outcomes": [], "cpu_s": 0.0}
    page = build_page({"kills": kills, "damage": told, "inputs": nothing, "disk": nothing})
    assert "2 jobs were killed in 1 stages, 1 of them with a file half\nwritten" in page
    assert "| `results/a.h5` | cut | yes | yes | results/a.h5: cut \\| off |" in page
    assert "| `results/b.h5` | flipped | **no** | yes |  |" in page
    assert "takes root" in page and "home/me" not in page
    worse = build_page(
        {"kills": {**kills, "differing": ["b"]}, "damage": told, "inputs": nothing, "disk": nothing}
    )
    assert "**1 of 9 files differed**: b" in worse
