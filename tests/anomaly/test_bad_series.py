"""Series that cannot be judged or learnt from: a clear result or one clear sentence, by both methods."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd
import pytest

from lensfree.config import ScoreConfig, TrainScoreConfig
from lensfree.contracts import LINEAGE_EVENTS, SCORES, SERIES, WINDOWS
from lensfree.io.tables import empty_table, read_table, write_table
from lensfree.model_files import ModelError
from lensfree.simulate.series import simulate_series
from lensfree.stages import score, train_score

METHODS = ("stardusts", "stardusts_plus")
INTERVAL_H = 0.5
SPAN = 60
TRAINING = TrainScoreConfig(epochs=1, windows_per_epoch=256, batch=64, seed=4)


def config_of(method: str, **changed) -> ScoreConfig:
    grid = {"interval_min": 30.0, "input_points": 40, "target_points": 20, "min_training_windows": 500}
    return ScoreConfig(method=method, **{**grid, **changed})


def histories(seed: int, n: int, points: tuple[int, int] = (70, 90)) -> pd.DataFrame:
    return simulate_series(n, points, np.random.default_rng(seed), 0.1, interval_h=INTERVAL_H)[0]


def written(folder, table: pd.DataFrame):
    path = folder / "series.parquet"
    write_table(path, table, SERIES)
    return path


def train(folder, table: pd.DataFrame, method: str, *, shipped=None, **changed):
    out = folder / f"{method}.safetensors"
    train_score.run(
        series=[written(folder, table)],
        out=out,
        config=TRAINING,
        score_config=config_of(method, **changed),
        checkpoint=folder / "state.pt",
        shipped=shipped,
        dataset="dishes",
    )
    return out


def judge(folder, table: pd.DataFrame, model, config: ScoreConfig):
    write_table(folder / "events.parquet", empty_table(LINEAGE_EVENTS), LINEAGE_EVENTS)
    score.run(
        series=written(folder, table),
        events=folder / "events.parquet",
        model=model,
        windows_out=folder / "windows.parquet",
        scores_out=folder / "scores.parquet",
        config=config,
        provenance={},
    )
    return read_table(folder / "windows.parquet", WINDOWS), read_table(folder / "scores.parquet", SCORES)


@pytest.fixture(scope="module", params=METHODS)
def trained(request, tmp_path_factory):
    """A method, and a model of it."""
    return request.param, train(tmp_path_factory.mktemp(request.param), histories(1, 60), request.param)


def test_series_shorter_than_a_window_are_counted_and_listed(trained, tmp_path, caplog):
    method, model = trained
    long, short = histories(2, 3), histories(3, 2, (SPAN - 1, SPAN - 1))
    short = short.assign(series_id=short["series_id"] + 10, cell_id=short["cell_id"] + 9000)
    with caplog.at_level(logging.INFO):
        judged, scores = judge(tmp_path, pd.concat([long, short]), model, config_of(method))
    assert scores["series_id"].tolist() == [0, 1, 2, 10, 11]
    assert (scores["n_windows"] == 0).tolist() == [False, False, False, True, True]
    assert scores["anomaly_score"].isna().tolist() == [False, False, False, True, True]
    assert not scores["is_flagged"].to_numpy()[3:].any()
    assert set(judged["series_id"]) == {0, 1, 2}
    assert "5 series: 3 judged, 2 shorter than 30 h and listed without a score" in caplog.text


def test_a_dry_mass_that_is_not_finite_is_named(trained, tmp_path):
    method, model = trained
    table = histories(2, 3)
    row = table.index[table["series_id"] == 1][30]
    table.loc[row, "dry_mass_pg"] = np.nan
    with pytest.raises(
        ValueError, match="series 1 has 1 dry masses that are not finite, expected none; rerun"
    ):
        judge(tmp_path, table, model, config_of(method))
    with pytest.raises(ValueError, match="series 1 has 1 dry masses that are not finite"):
        train(tmp_path, table, method)


def test_a_gap_that_the_stage_series_did_not_fill_is_named(trained, tmp_path):
    method, model = trained
    table = histories(2, 3)
    kept = table.drop(index=table.index[table["series_id"] == 2][20:24])
    with pytest.raises(ValueError, match="series 2 has steps from 0.5 to 2.5 h, expected a regular grid"):
        judge(tmp_path, kept, model, config_of(method))


def test_a_series_that_does_not_vary_is_judged(trained, tmp_path):
    """It has no growth and no noise, which no cell has; neither method may fail on it."""
    method, model = trained
    table = histories(2, 3)
    table.loc[table["series_id"] == 1, "dry_mass_pg"] = 200.0
    judged, scores = judge(tmp_path, table, model, config_of(method))
    row = scores.set_index("series_id").loc[1]
    assert row["n_windows"] > 0 and np.isfinite(row["anomaly_score"])
    measure = "forecast_mse" if method == "stardusts" else "surprise"
    assert np.isfinite(judged[measure]).all()


@pytest.mark.parametrize("method", METHODS)
def test_series_that_all_do_not_vary_teach_nothing(method, tmp_path):
    table = histories(1, 60).assign(dry_mass_pg=200.0)
    with pytest.raises(ValueError, match=r"windows with .*expected dry mass that varies; check the series"):
        train(tmp_path, table, method)


@pytest.mark.parametrize("changed", [{"interval_min": 20.0}, {"target_points": 10}])
def test_a_model_of_another_grid_is_refused(trained, tmp_path, changed):
    method, model = trained
    with pytest.raises(ModelError, match="was trained for .*retrain it or restore the section"):
        judge(tmp_path, histories(2, 3), model, config_of(method, **changed))


def test_series_of_another_frame_interval_are_put_on_the_grid_of_the_model(trained, tmp_path):
    method, model = trained
    config = config_of(method)
    fine = simulate_series(3, (400, 400), np.random.default_rng(7), 0.0, interval_h=0.1)[0]
    judged, scores = judge(tmp_path, fine, model, config)
    n_points = 1 + int(399 * 0.1 / INTERVAL_H)
    assert scores["n_windows"].tolist() == [n_points - SPAN + 1] * 3
    np.testing.assert_allclose(np.diff(judged["start_h"][:5]), INTERVAL_H, atol=1e-9)


@pytest.mark.parametrize("factor", [1000.0, 1 / 40])
def test_a_model_of_another_unit_is_refused(trained, tmp_path, factor):
    method, model = trained
    table = histories(2, 3)
    table["dry_mass_pg"] *= factor
    with pytest.raises(ModelError, match="do not have the same unit; check opd_unit and pixel_pitch_um"):
        judge(tmp_path, table, model, config_of(method))


def test_cells_four_times_as_heavy_are_no_other_unit(trained, tmp_path):
    method, model = trained
    table = histories(2, 3)
    table["dry_mass_pg"] *= 4
    assert len(judge(tmp_path, table, model, config_of(method))[1]) == 3


def test_no_series_give_valid_empty_tables(trained, tmp_path, caplog):
    method, model = trained
    with caplog.at_level(logging.INFO):
        judged, scores = judge(tmp_path, empty_table(SERIES), model, config_of(method))
    assert judged.empty and scores.empty
    assert "0 series: 0 judged" in caplog.text


def test_an_empty_data_set_takes_the_shipped_model_or_says_what_is_missing(trained, tmp_path):
    method, model = trained
    with pytest.raises(ValueError, match="data set 'dishes' has 0 windows of 0 lineages, expected at least"):
        train(tmp_path, empty_table(SERIES), method)
    handed_on = train(tmp_path, empty_table(SERIES), method, shipped=model)
    _, scores = judge(tmp_path, histories(2, 3), handed_on, config_of(method))
    assert scores["model"].str.startswith("shipped ").all()


@pytest.mark.parametrize(
    "changed",
    [
        {"padding": "valid"},
        {"target": "raw"},
        {"normalisation": "per_split"},
        {"threshold": "quantile"},
        {"sigma_count": 3.0},
    ],
)
def test_a_shipped_model_of_other_options_is_not_handed_on(changed, tmp_path):
    shipped = train(tmp_path, histories(1, 60), "stardusts")
    with pytest.raises(ModelError, match="retrain it or restore the section"):
        train(tmp_path, histories(2, 3), "stardusts", shipped=shipped, **changed)


def test_each_acquisition_can_be_standardised_by_itself(tmp_path):
    """As the paper has it: then a whole population that is twice as heavy scores as before."""
    options = {"normalisation": "per_split", "input_points": 40}
    model = train(tmp_path, histories(1, 60), "stardusts", **options)
    table = histories(2, 8)
    config = config_of("stardusts", **options)
    one = judge(tmp_path, table, model, config)[0]
    other = judge(tmp_path, table.assign(dry_mass_pg=2 * table["dry_mass_pg"]), model, config)[0]
    np.testing.assert_allclose(other["forecast_mse"], one["forecast_mse"], rtol=1e-3, atol=1e-5)
    assert judge(tmp_path, empty_table(SERIES), model, config)[1].empty
