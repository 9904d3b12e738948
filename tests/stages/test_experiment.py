"""The three experiments on simulated data sets at toy size: what is counted, and what stands on the pages."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from lensfree.anomaly.verdicts import COLUMNS
from lensfree.config import ScoreConfig, TrainScoreConfig
from lensfree.config_training import ExperimentConfig
from lensfree.contracts import SERIES
from lensfree.io.tables import empty_table, write_table
from lensfree.model_files import ModelError
from lensfree.simulate.series import simulate_series
from lensfree.stages import experiment, train_experiment
from lensfree.stages.detector_file import load_detector
from lensfree.stages.experiment_data import TEST, TRAINING, VALIDATION, read_population

CONFIG = ScoreConfig(interval_min=30.0, input_points=40, target_points=20, min_training_windows=500)
TRAIN = TrainScoreConfig(epochs=2, windows_per_epoch=512, batch=64, seed=4)
N = {"normal": 2 * 45, "other": 60, "altered": 24}


def histories(seed: int, n: int, factor: float = 1.0, points=(55, 90)) -> pd.DataFrame:
    """Return histories of which the shortest are shorter than the 60 points of a window."""
    table = simulate_series(n, points, np.random.default_rng(seed), 0.1, interval_h=0.5)[0]
    return table.assign(dry_mass_pg=factor * table["dry_mass_pg"])


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Series of three data sets (two acquisitions of the first), and models of both methods."""
    folder = tmp_path_factory.mktemp("experiments")
    sets = {
        "normal": [histories(1, 45), histories(2, 45)],
        "other": [histories(3, 60, 1.3)],
        "altered": [histories(4, 24, 1.8)],
    }
    series = {name: [folder / f"{name}{i}.parquet" for i in range(len(sets[name]))] for name in sets}
    for name, tables in sets.items():
        for path, table in zip(series[name], tables, strict=True):
            write_table(path, table, SERIES)
    models = {}
    for name in ("normal", "other"):
        for method in experiment.METHODS:
            models[name, method] = folder / f"{name}.{method}.safetensors"
            train_experiment.run(
                series=series[name],
                out=models[name, method],
                config=TRAIN,
                score_config=CONFIG.model_copy(update={"method": method, "model": "auto"}),
                checkpoint=folder / "state.pt",
                dataset=name,
            )
    return series, models


@pytest.fixture
def run(place, tmp_path):
    series, models = place

    def run(which, *names, annotations=(), config=CONFIG):
        experiment.run(
            experiment=which,
            inputs=experiment.Inputs({name: series[name] for name in names}, models, list(annotations)),
            out=tmp_path / f"{which}.json",
            page=tmp_path / f"{which}.md",
            figure=tmp_path / f"{which}.png" if which == "three" else None,
            config=config,
            seed=TRAIN.seed,
        )
        found = json.loads((tmp_path / f"{which}.json").read_text(encoding="utf-8"))
        return found, (tmp_path / f"{which}.md").read_text(encoding="utf-8")

    return run


def row(page: str, name: str) -> list[str]:
    """Return the cells of the first row of a page whose first cell is `name`."""
    line = next(line for line in page.splitlines() if line.startswith(f"| {name} |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_population_is_pooled_and_split_by_lineage(place):
    population = read_population("normal", place[0]["normal"], CONFIG, seed=4)
    n_short = N["normal"] - len(population.part_of)
    assert population.n_short == n_short > 0
    counts = population.counts()
    assert sum(part["series"] for part in counts.values()) == len(population.part_of)
    assert sum(part["windows"] for part in counts.values()) == len(population.windows)
    shares = [counts[part]["windows"] / len(population.windows) for part in (TRAINING, VALIDATION, TEST)]
    np.testing.assert_allclose(shares, [0.8, 0.1, 0.1], atol=0.04)
    test, rest = population.only(TEST), population.without(TEST)
    assert set(test.windows.lineage).isdisjoint(rest.windows.lineage)
    assert set(test.series["series_id"]) == set(test.windows.series_id) == set(test.part_of.index)
    assert len(test.windows) + len(rest.windows) == len(population.windows)


def test_the_test_part_trains_neither_method(place):
    population = read_population("normal", place[0]["normal"], CONFIG, seed=4)
    card = load_detector(place[1]["normal", "stardusts_plus"])[1]
    assert card.n_windows == len(population.without(TEST).windows) < len(population.windows)
    assert card.n_histories == len(population.without(TEST).part_of)


def test_a_data_set_that_is_too_small_is_named(tmp_path):
    write_table(tmp_path / "none.parquet", empty_table(SERIES), SERIES)
    for method in experiment.METHODS:
        with pytest.raises(ValueError, match="data set 'dishes' .*expected at least"):
            train_experiment.run(
                series=[tmp_path / "none.parquet"],
                out=tmp_path / "m",
                config=TRAIN,
                score_config=CONFIG.model_copy(update={"method": method}),
                checkpoint=tmp_path / "state.pt",
                dataset="dishes",
            )


def test_one_counts_series_windows_and_raised_cells(run, place):
    found, page = run("one", "normal")
    population = read_population("normal", place[0]["normal"], CONFIG, seed=4)
    assert found["n_series"] == len(population.part_of) and found["n_short"] == population.n_short
    for method in experiment.METHODS:
        scores = experiment._judge(population, place[1]["normal", method], method, CONFIG)[1]
        each = found["methods"][method]
        assert each["raised"] == scores["is_flagged"].sum() == sum(each["raised_by_part"].values())
        assert row(page, f"`{method}`")[1] == str(len(scores))
    assert row(page, "published, HeLa A")[-1] == "104"
    assert found["verdicts"] is None and "there is no precision" in page


def verdicts(words, kinds=None) -> pd.DataFrame:
    table = pd.DataFrame("", index=range(len(words)), columns=list(COLUMNS))
    return table.assign(
        series_id=range(len(words)),
        is_flagged=[word != "ranked only" for word in words],
        verdict=["" if word == "ranked only" else word for word in words],
        kind=kinds or "unclear",
    )


def test_one_takes_precision_and_kinds_from_the_verdicts(run, tmp_path):
    first = verdicts(
        ["biological", "biological", "acquisition", "both", "false_positive", "", "ranked only"],
        ["merge", "slow_growth", "jump", "swap", "giant", "giant", "merge"],
    )
    second = verdicts(["Biological", "false positive", "acquisition"], ["jump", "death", "jump"])
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    first.to_csv(paths[0], index=False)
    second.to_csv(paths[1], index=False)
    found, page = run("one", "normal", annotations=paths)
    told = found["verdicts"]
    assert told["precision"] == pytest.approx(6 / 8)
    assert told["counts"] == {
        **{"biological": 3, "acquisition": 2, "both": 1, "false_positive": 2, "not looked at": 1}
    }
    assert told["kinds"] == {"merge": 1, "slow_growth": 1, "jump": 1}
    assert row(page, "biological")[1:] == ["36.5 % (38)", "38.8 % (40)", "37.5 % (3)"]
    assert row(page, "false positive")[-1] == "25.0 % (2)"
    assert row(page, "**precision**")[1:] == ["96.2 %", "83.5 %", "75.0 %"]
    assert row(page, "one or the other")[-1] == ""
    assert row(page, "merging cells")[-1] == "33.3 % (1)" and row(page, "others")[-1] == "33.3 % (1)"
    assert "1 flagged cells have none" in page


def test_verdicts_that_nobody_gave_have_no_precision(run, tmp_path):
    verdicts(["", ""]).to_csv(tmp_path / "a.csv", index=False)
    found, page = run("one", "normal", annotations=[tmp_path / "a.csv"])
    assert found["verdicts"]["precision"] is None
    assert row(page, "**precision**")[-1] == ""


def test_an_unknown_verdict_is_named_with_its_file(run, tmp_path):
    verdicts(["odd"]).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(ValueError, match=r"a\.csv: series 0: verdict 'odd', expected one of biological"):
        run("one", "normal", annotations=[tmp_path / "a.csv"])


def test_two_counts_what_both_models_raise(run, place):
    found, page = run("two", "normal", "other")
    assert found["data_sets"] == ["normal", "other"]
    other = read_population("other", place[0]["other"], CONFIG, seed=4)
    for method in experiment.METHODS:
        own = experiment._judge(other, place[1]["other", method], method, CONFIG)[1]
        each = found["methods"][method]
        assert each["raised_by_own"] == own["is_flagged"].sum()
        assert each["raised_by_both"] <= min(each["raised_by_own"], each["raised_by_other"])
        if each["raised_by_own"]:
            assert each["share_of_own"] == pytest.approx(each["raised_by_both"] / each["raised_by_own"])
    assert row(page, "published, A to B")[1:] == ["7283", "198", "939", "152", "76 %"]


def test_two_with_one_data_set_twice_raises_the_same_cells(run, place):
    """Its own model is on its own scale already, up to windows that training left out."""
    found, _ = (
        experiment._two(*[read_population("other", place[0]["other"], CONFIG, 4)] * 2, *_same(place)),
        None,
    )
    for method in experiment.METHODS:
        each = found["methods"][method]
        assert each["raised_by_own"] == each["raised_by_other"] == each["raised_by_both"]


def _same(place):
    config = CONFIG.model_copy(update={"shipped_normalisation": "model"})
    return experiment.Inputs({}, place[1]), config


def test_three_tells_heavier_cells_from_normal_ones(run, tmp_path, place):
    found, page = run("three", "normal", "altered")
    held_back = read_population("normal", place[0]["normal"], CONFIG, seed=4).only(TEST)
    altered = read_population("altered", place[0]["altered"], CONFIG, seed=4)
    for method in experiment.METHODS:
        levels = found["methods"][method]
        assert levels["windows"]["n_normal"] == len(held_back.windows)
        assert levels["windows"]["n_altered"] == len(altered.windows)
        assert (levels["cells"]["n_normal"], levels["cells"]["n_altered"]) == (
            len(held_back.part_of),
            len(altered.part_of),
        )
        judged = experiment._judge(altered, place[1]["normal", method], method, CONFIG)
        assert levels["windows"]["recall"] == pytest.approx(judged[0]["is_abnormal"].mean())
        assert levels["cells"]["recall"] == pytest.approx(judged[1]["is_flagged"].mean())
        assert levels["cells"]["auc"] > 0.8
    assert row(page, "published, C and D")[-2] == "0.68"
    picture = imread(tmp_path / "three.png")
    assert picture.shape[1] > picture.shape[0] > 300


def test_three_needs_cells_that_were_held_back(place):
    normal = read_population("normal", place[0]["normal"], CONFIG, seed=4)
    with pytest.raises(
        ValueError, match="'normal' has too few lineages for a test split, expected at least 3"
    ):
        experiment._three(normal.without(TEST), normal, experiment.Inputs({}, place[1]), CONFIG)


def test_models_of_other_settings_are_refused(run):
    with pytest.raises(ModelError, match="was trained for"):
        run("one", "normal", config=CONFIG.model_copy(update={"padding": "valid"}))


@pytest.mark.parametrize(
    ("which", "named", "said"),
    [
        (
            "one",
            {},
            "experiment.train names no data set, expected .* acquisitions: a, b; experiment one needs",
        ),
        ("one", {"train": "c"}, "experiment.train is 'c', expected a data set of the sheet"),
        ("two", {"train": "a"}, "experiment.apply names no data set"),
        ("two", {"train": "a", "apply": "a"}, "experiment.apply is 'a' like experiment.train"),
        ("three", {"train": "a", "altered": "x"}, "experiment.altered is 'x'"),
    ],
)
def test_data_sets_that_are_not_there_are_named(which, named, said):
    with pytest.raises(ValueError, match=said):
        ExperimentConfig(**named).data_sets(which, ["b", "a"])


def test_data_sets_come_in_order_of_use():
    config = ExperimentConfig(train="b", apply="a", altered="c")
    known = ["a", "b", "c"]
    assert config.data_sets("one", known) == ("b",)
    assert config.data_sets("two", known) == ("b", "a")
    assert config.data_sets("three", known) == ("b", "c")
    with pytest.raises(ValueError, match="acquisitions: there is none"):
        config.data_sets("one", [])
