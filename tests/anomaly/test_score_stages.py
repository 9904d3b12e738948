"""The stages train_score and score on files, by the published method."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from lensfree.config import ScoreConfig, TrainScoreConfig
from lensfree.contracts import LINEAGE_EVENTS, SCORES, SERIES, WINDOWS
from lensfree.io.tables import empty_table, read_provenance, read_table, write_table
from lensfree.nets.forecaster import Forecaster
from lensfree.nets.forecaster_card import load_forecaster
from lensfree.stages import score, series_file, train_score

CONFIG = ScoreConfig(
    method="stardusts", min_training_windows=500, interval_min=60.0, input_points=20, target_points=10
)
TRAINING = TrainScoreConfig(epochs=2, windows_per_epoch=128, batch=64, seed=4)


@pytest.fixture
def write_series(tmp_path, make_population):
    def write(name: str, seed: int, n_series: int, n_abnormal: int = 0):
        path = tmp_path / f"{name}.parquet"
        table = (
            make_population(seed, n_series, n_abnormal, n_points=400)[0] if n_series else empty_table(SERIES)
        )
        write_table(path, table, SERIES)
        return path

    return write


@pytest.fixture
def train(tmp_path):
    def run(*series, shipped=None, dataset="dishes", config=CONFIG):
        out = tmp_path / f"{dataset}.safetensors"
        train_score.run(
            series=list(series),
            out=out,
            config=TRAINING,
            score_config=config,
            checkpoint=tmp_path / "checkpoints" / f"{dataset}.pt",
            shipped=shipped,
            dataset=dataset,
        )
        return out

    return run


@pytest.fixture
def judge(tmp_path):
    def run(series, model, config=CONFIG):
        windows_out, scores_out = tmp_path / "windows.parquet", tmp_path / "scores.parquet"
        events = tmp_path / "events.parquet"
        write_table(events, empty_table(LINEAGE_EVENTS), LINEAGE_EVENTS)
        score.run(
            series=series,
            events=events,
            model=model,
            windows_out=windows_out,
            scores_out=scores_out,
            config=config,
            provenance={"code": "abc"},
        )
        assert read_provenance(scores_out)["code"] == read_provenance(windows_out)["code"] == "abc"
        return read_table(windows_out, WINDOWS), read_table(scores_out, SCORES)

    return run


def test_a_data_set_trains_on_all_its_acquisitions_and_the_scores_say_so(
    write_series, train, judge, tmp_path
):
    paths = [write_series("a", 1, 10), write_series("b", 2, 10)]
    model = train(*paths)
    _, card = load_forecaster(model)
    assert 400 < card.n_windows < 20 * 38
    judged, scores = judge(write_series("c", 3, 6, 2), model)
    assert scores["n_windows"].tolist() == [38] * 6
    assert set(scores["model"]) == {f"own data set dishes, {card.n_windows} windows"}
    assert judged["is_abnormal"].equals(judged["forecast_mse"] > card.tau)
    assert not (tmp_path / "checkpoints" / "dishes.pt").exists()


def contents(model):
    """Return weights and card; the order of a header is not fixed, so files are not compared by byte."""
    return load_file(model), str(load_forecaster(model)[1])


def same(one, other) -> bool:
    return one[1] == other[1] and all(torch.equal(one[0][name], other[0][name]) for name in one[0])


def test_the_same_data_and_seed_give_the_same_model(write_series, train):
    path = write_series("a", 1, 20)
    assert same(contents(train(path)), contents(train(path)))


def test_a_small_data_set_takes_the_shipped_model_on_its_own_scale(write_series, train, judge):
    shipped = train(write_series("a", 1, 20), dataset="large")
    handed_on = train(write_series("b", 2, 11), shipped=shipped, dataset="small")
    card, own = load_forecaster(shipped)[1], load_forecaster(handed_on)[1]
    assert own.trained_on == f"shipped forecast-large {card.version}, standardised with this data set"
    assert own.mean_pg != card.mean_pg and own.tau == card.tau
    _, scores = judge(write_series("c", 3, 4), handed_on)
    assert set(scores["model"]) == {own.trained_on}


@pytest.mark.parametrize("acquisitions", [[], [0], [3, 0]])
def test_hardly_any_history_takes_the_shipped_model_as_it_is(write_series, train, acquisitions):
    shipped = train(write_series("a", 1, 20), dataset="large")
    paths = [write_series(f"b{i}", 5 + i, n) for i, n in enumerate(acquisitions)]
    card = load_forecaster(train(*paths, shipped=shipped, dataset="small"))[1]
    assert card.trained_on == f"shipped forecast-large {card.version}"
    assert card.mean_pg == load_forecaster(shipped)[1].mean_pg


def test_histories_without_a_window_are_listed_and_not_judged(
    write_series, train, judge, make_history, tmp_path
):
    model = train(write_series("a", 1, 20))
    short = tmp_path / "short.parquet"
    write_table(short, make_history(0, np.ones(170)), SERIES)
    judged, scores = judge(write_series("none", 1, 0), model)
    assert judged.empty and scores.empty
    judged, scores = judge(short, model)
    assert judged.empty
    assert scores["n_windows"].tolist() == [0] and scores["anomaly_score"].isna().all()
    assert not scores["is_flagged"].any() and scores["kind"].tolist() == [""]


def test_no_history_and_no_shipped_model_is_one_clear_sentence(write_series, train):
    with pytest.raises(
        ValueError, match="data set 'dishes' has 0 windows of 0 lineages, expected at least 500"
    ):
        train(write_series("none", 1, 0))


def test_a_configuration_that_is_not_the_models_is_refused(write_series, train, judge):
    model = train(write_series("a", 1, 20))
    with pytest.raises(ValueError, match="forecaster 'forecast-dishes' was trained for"):
        judge(write_series("c", 3, 2), model, CONFIG.model_copy(update={"input_points": 24}))


def test_training_goes_on_where_it_was_killed(write_series, train, monkeypatch, tmp_path):
    path = write_series("a", 1, 20)
    expected = contents(train(path))
    lines, real = [], train_score.logger.info

    def killed_after_one_epoch(text, *values):
        lines.append(text % values if values else text)
        if lines[-1].startswith("epoch 2"):
            raise KeyboardInterrupt
        real(text, *values)

    monkeypatch.setattr(train_score.logger, "info", killed_after_one_epoch)
    with pytest.raises(KeyboardInterrupt):
        train(path)
    assert (tmp_path / "checkpoints" / "dishes.pt").exists()
    monkeypatch.setattr(train_score.logger, "info", lambda text, *values: lines.append(text))
    lines.clear()
    assert same(contents(train(path)), expected)
    assert [line.split(":")[0] for line in lines if line.startswith("epoch")] == ["epoch 2 of 2"]


def test_the_stage_scores_with_the_network_of_the_file(write_series, train, judge, monkeypatch):
    model = train(write_series("a", 1, 20))
    series = write_series("c", 3, 3)
    expected = judge(series, model)[0]["forecast_mse"]
    forward = Forecaster.forward
    monkeypatch.setattr(Forecaster, "forward", lambda self, inputs: forward(self, inputs) + 1.0)
    assert judge(series, model)[0]["forecast_mse"].ne(expected).all()


def test_histories_judged_a_few_at_a_time_get_the_scores_of_all_at_once(
    write_series, train, judge, monkeypatch
):
    model, series = train(write_series("a", 1, 20)), write_series("c", 3, 30, 6)
    whole = judge(series, model)
    seen = []
    cut = score.cut_windows
    monkeypatch.setattr(
        score, "cut_windows", lambda part, config: seen.append(len(part)) or cut(part, config)
    )
    monkeypatch.setattr(series_file, "ROWS_AT_ONCE", 4001)
    few = judge(series, model)
    assert seen == [4400, 4400, 3200]
    pd.testing.assert_frame_equal(few[0], whole[0], rtol=1e-5)  # float32: sums differ with the batch
    pd.testing.assert_frame_equal(few[1], whole[1], rtol=1e-5)
    per_split = CONFIG.model_copy(update={"normalisation": "per_split"})
    few = judge(series, train(write_series("a", 1, 20), config=per_split), per_split)
    monkeypatch.setattr(series_file, "ROWS_AT_ONCE", 10**6)
    whole = judge(series, train(write_series("a", 1, 20), config=per_split), per_split)
    pd.testing.assert_frame_equal(few[0], whole[0], rtol=1e-5)
