"""Baselines, and the fit around a forecaster."""

from __future__ import annotations

import numpy as np
import pytest

from lensfree.anomaly.baselines import fit_ridge, persistence
from lensfree.anomaly.compare import cell_auc
from lensfree.anomaly.fit import choose_model, fit_forecaster, scale_for_shipped
from lensfree.anomaly.score import mean_mse, score_windows
from lensfree.anomaly.split import deduplicated, mean_and_sd, split_by_lineage
from lensfree.anomaly.windows import cut_windows
from lensfree.config import ScoreConfig

CONFIG = ScoreConfig()


def train_ridge(inputs, targets, validation_inputs, validation_targets):
    return fit_ridge(inputs, targets)


def test_persistence_repeats_the_last_point():
    np.testing.assert_array_equal(persistence(3)(np.array([[1.0, 2], [3, 4]])), [[2, 2, 2], [4, 4, 4]])


def test_ridge_without_penalty_finds_a_linear_law_with_offset():
    rng = np.random.default_rng(0)
    inputs, weights, offset = rng.normal(3, 1, (200, 8)), rng.normal(0, 1, (8, 5)), rng.normal(0, 1, 5)
    forecast = fit_ridge(inputs, inputs @ weights + offset, penalty=0.0)
    unseen = rng.normal(0, 2, (50, 8))
    np.testing.assert_allclose(forecast(unseen), unseen @ weights + offset, atol=1e-8)


def test_ridge_is_where_its_objective_is_flat():
    """Gradient of |Y - XW|^2 + penalty |W|^2 on centred data, formed without the solver."""
    rng = np.random.default_rng(1)
    inputs, targets, penalty = rng.normal(0, 1, (60, 6)), rng.normal(0, 1, (60, 4)), 7.0
    forecast = fit_ridge(inputs, targets, penalty)
    weights = forecast(np.eye(6)) - forecast(np.zeros((1, 6)))
    residual = targets - forecast(inputs)
    centred = inputs - inputs.mean(axis=0)
    np.testing.assert_allclose(centred.T @ residual, penalty * weights, atol=1e-10)
    np.testing.assert_allclose(residual.mean(axis=0), 0, atol=1e-12)


@pytest.mark.parametrize(("n_inputs", "n_targets"), [(0, 0), (4, 3)])
def test_ridge_needs_pairs(n_inputs, n_targets):
    with pytest.raises(ValueError, match=f"got {n_inputs} inputs and {n_targets} targets"):
        fit_ridge(np.ones((n_inputs, 2)), np.ones((n_targets, 2)))


def test_a_sudden_loss_of_mass_ranks_above_normal_cells(make_population):
    fit = fit_forecaster(
        cut_windows(make_population(11, 60, 0)[0], CONFIG), train_ridge, seed=0, sigma_count=2.0
    )
    series, labels = make_population(12, 20, 4)
    judged, scores = score_windows(
        cut_windows(series, CONFIG),
        fit.forecast,
        mean_pg=fit.mean_pg,
        sd_pg=fit.sd_pg,
        tau=fit.tau,
        flag_above=0.0,
        model="ridge",
    )
    is_abnormal = labels["is_abnormal"].to_numpy()
    assert scores.loc[is_abnormal, "anomaly_score"].min() > scores.loc[~is_abnormal, "anomaly_score"].max()
    assert cell_auc(scores.set_index("series_id")["anomaly_score"], labels) == 1.0
    assert cell_auc(mean_mse(judged), labels) == 1.0


def test_abnormal_windows_are_those_that_foretell_across_the_loss(make_population):
    fit = fit_forecaster(
        cut_windows(make_population(11, 60, 0)[0], CONFIG), train_ridge, seed=0, sigma_count=2.0
    )
    series, _ = make_population(13, 6, 6)
    judged, _ = score_windows(
        cut_windows(series, CONFIG),
        fit.forecast,
        mean_pg=fit.mean_pg,
        sd_pg=fit.sd_pg,
        tau=fit.tau,
        flag_above=0.0,
        model="ridge",
    )
    before = judged["start_h"] < 25 - 30
    crossing = judged["start_h"].between(25 - 29, 25 - 21)
    assert not judged.loc[before, "is_abnormal"].any()
    assert judged.loc[crossing, "is_abnormal"].mean() > 0.9


def test_the_fit_uses_training_lineages_for_scale_and_threshold(make_population):
    windows = cut_windows(make_population(14, 40, 4)[0], CONFIG)
    fit = fit_forecaster(windows, train_ridge, seed=5, sigma_count=2.0)
    inputs, _ = fit.split.training.standardised(fit.mean_pg, fit.sd_pg)
    assert (fit.mean_pg, fit.sd_pg) == mean_and_sd(fit.split.training) != mean_and_sd(windows)
    mse = np.square(fit.forecast(inputs) - fit.split.training.standardised(fit.mean_pg, fit.sd_pg)[1])
    assert fit.tau == pytest.approx(mse.mean(axis=1).mean() + 2 * mse.mean(axis=1).std())
    assert fit.numbers()["n_windows"] == len(fit.split.training)
    assert fit_forecaster(windows, train_ridge, seed=5, sigma_count=2.0).numbers() == fit.numbers()


def test_enough_windows_train_an_own_model(make_population):
    windows = cut_windows(make_population(1, 12, 0)[0], CONFIG)
    few = CONFIG.model_copy(update={"min_training_windows": 12 * 61})
    assert choose_model(windows, few, "dishes", has_shipped=True)[0] == "own"
    many = CONFIG.model_copy(update={"min_training_windows": 12 * 61 + 1})
    choice, why = choose_model(windows, many, "dishes", has_shipped=True)
    assert choice == "shipped"
    assert "data set 'dishes' has 732 windows of 12 lineages, fewer than 733 windows" in why


def test_few_lineages_do_not_train_an_own_model_however_long(make_population):
    windows = cut_windows(make_population(1, 9, 0, n_points=600)[0], CONFIG)
    assert len(windows) > CONFIG.min_training_windows
    assert choose_model(windows, CONFIG, "dishes", has_shipped=True)[0] == "shipped"


@pytest.mark.parametrize(
    ("model", "has_shipped", "text"),
    [
        (
            "own",
            True,
            "data set 'dishes' has 122 windows of 2 lineages, expected at least 3000 windows of 10",
        ),
        (
            "auto",
            False,
            "data set 'dishes' has 122 windows of 2 lineages, expected at least 3000 windows of 10",
        ),
        ("shipped", False, "score.model is 'shipped' but there is no shipped model"),
    ],
)
def test_no_model_to_be_had_is_an_error(make_population, model, has_shipped, text):
    windows = cut_windows(make_population(1, 2, 0)[0], CONFIG)
    with pytest.raises(ValueError, match=text):
        choose_model(windows, CONFIG.model_copy(update={"model": model}), "dishes", has_shipped=has_shipped)


def test_a_shipped_model_takes_the_scale_of_a_data_set_with_enough_lineages(make_population):
    windows = cut_windows(make_population(1, 12, 0)[0], CONFIG)
    scale = scale_for_shipped(windows, CONFIG)
    assert scale is not None
    assert scale[0] == pytest.approx(300 / np.log(2), rel=0.05)
    assert scale_for_shipped(windows, CONFIG.model_copy(update={"shipped_normalisation": "model"})) is None
    assert scale_for_shipped(cut_windows(make_population(1, 9, 0)[0], CONFIG), CONFIG) is None


def test_each_part_of_the_split_can_have_its_own_scale(make_population):
    """The test part is measured 1.5 times as heavy: by its own scale it is foretold as well as before."""
    series, _ = make_population(14, 60, 0)
    windows = cut_windows(series, CONFIG)
    held_back = np.unique(split_by_lineage(deduplicated(windows), 5).test.series_id)
    is_test = series["series_id"].isin(held_back)
    heavier = series.assign(dry_mass_pg=series["dry_mass_pg"].where(~is_test, 1.5 * series["dry_mass_pg"]))
    mse = {}
    for normalisation in ("training", "per_split"):
        for name, table in (("before", series), ("heavier", heavier)):
            fit = fit_forecaster(
                cut_windows(table, CONFIG), train_ridge, seed=5, sigma_count=2.0, normalisation=normalisation
            )
            mse[normalisation, name] = fit.test_mse
    assert mse["per_split", "heavier"] == pytest.approx(mse["per_split", "before"], rel=1e-4)
    assert mse["training", "heavier"] > 1.5 * mse["training", "before"]


def test_the_threshold_follows_from_the_target_and_rule_that_are_chosen(make_population):
    windows = cut_windows(make_population(14, 40, 4)[0], CONFIG)
    plain = fit_forecaster(windows, train_ridge, seed=5, sigma_count=2.0)
    raw = fit_forecaster(windows, train_ridge, seed=5, sigma_count=2.0, target="raw")
    quantile = fit_forecaster(windows, train_ridge, seed=5, sigma_count=2.0, quantile=0.95)
    training = plain.split.training
    scaled = training.scaled(plain.mean_pg, plain.sd_pg)
    foretold = plain.forecast(scaled.inputs)
    of_raw = np.square(foretold - scaled.targets_raw).mean(axis=1)
    of_smoothed = np.square(foretold - scaled.targets).mean(axis=1)
    assert raw.tau == pytest.approx(of_raw.mean() + 2 * of_raw.std(), rel=1e-5)
    assert raw.tau > plain.tau
    assert np.mean(of_smoothed > quantile.tau) == pytest.approx(0.05, abs=1 / len(training))
