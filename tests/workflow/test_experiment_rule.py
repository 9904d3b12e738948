"""The experiments as targets: they plan what is missing, run whole at toy size, and name wrong data sets."""

import json

import numpy as np
import pytest
from conftest import MOVIE_CONFIG, MOVIE_ROW, Workplace

from lensfree.contracts import SERIES
from lensfree.io.tables import write_table
from lensfree.simulate.series import simulate_series

pytestmark = pytest.mark.workflow

TARGETS = {which: f"results/experiments/{which}.json" for which in ("one", "two", "three")}
TOY = {
    "train_score": {"epochs": 1, "windows_per_epoch": 300},
    "score": {"interval_min": 30.0, "input_points": 40, "target_points": 20, "min_training_windows": 300},
}


@pytest.fixture
def place(movie):
    """The finished movie three times, each a data set of its own, of which the series are simulated ones."""
    rows = [(name, f"set_{name}", *MOVIE_ROW[2:]) for name in ("a", "b", "c")]
    config = {**MOVIE_CONFIG, **TOY, "experiment": {"train": "set_a", "apply": "set_b", "altered": "set_c"}}
    return Workplace(movie.project, movie.folder, rows, config)


def test_an_experiment_runs_what_is_missing_and_nothing_else(place):
    planned = place.planned(TARGETS["two"])
    assert {"series a", "series b", "experiment two"} <= planned
    models = {job for job in planned if job.startswith("train_experiment")}
    assert models == {
        f"train_experiment {name} {method}"
        for name in ("set_a", "set_b")
        for method in ("stardusts", "stardusts_plus")
    }
    assert "series c" not in planned and not any(job.startswith("train_score") for job in planned)
    assert {job for job in place.planned(TARGETS["one"]) if job.startswith("series")} == {"series a"}
    assert "experiment_three three" in place.planned(TARGETS["three"])


def test_the_experiments_run_whole(place):
    series = [f"results/{name}/series.parquet" for name in ("a", "b", "c")]
    place.run(*series)
    for seed, path in enumerate(series):
        rng = np.random.default_rng(seed)
        table = simulate_series(40, (62, 80), rng, 0.1, interval_h=0.5)[0]
        write_table(place.folder / path, table, SERIES)
    place.run(*TARGETS.values())
    for which, path in TARGETS.items():
        found = json.loads((place.folder / path).read_text(encoding="utf-8"))
        assert found["experiment"] == which and set(found["methods"]) == {"stardusts", "stardusts_plus"}
        assert (place.folder / path).with_suffix(".md").is_file()
        assert (place.folder / "logs" / "experiment" / f"{which}.log").is_file()
    assert (place.folder / TARGETS["three"]).with_suffix(".png").is_file()
    assert place.planned(*TARGETS.values()) == set()
    place.config["experiment"] = {**place.config["experiment"], "apply": "set_c"}
    assert {job.split()[0] for job in place.planned(*TARGETS.values())} == {"train_experiment", "experiment"}


@pytest.mark.parametrize(
    ("which", "section", "said"),
    [
        ("one", {}, "experiment.train names no data set, expected"),
        ("two", {"train": "set_a", "apply": "nothing"}, "experiment.apply is 'nothing', expected"),
    ],
)
def test_data_sets_that_are_not_there_end_the_run_before_any_job(place, which, section, said):
    place.config["experiment"] = section
    text = place.run(TARGETS[which], is_ok=False)
    assert said in text and "acquisitions: set_a, set_b, set_c; experiment" in text


def test_a_table_of_verdicts_that_is_not_there_is_named(place):
    place.config["experiment"] = {"train": "set_a", "annotations": ["mine/flags.csv"]}
    text = place.run(TARGETS["one"], is_ok=False)
    assert "Missing input files for rule experiment" in text and "mine/flags.csv" in text
