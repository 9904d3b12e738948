"""Detectors from outside: the same windows for all, their own thresholds, and another laboratory's scale."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from lensfree.anomaly import matrix_profile
from lensfree.anomaly.baselines import fit_ridge
from lensfree.anomaly.compare import cell_auc
from lensfree.anomaly.forecast_methods import persistence_method, ridge_method, stardusts
from lensfree.anomaly.matrix_profile import PARTS, TRAINING_HISTORIES, MatrixProfileMethod
from lensfree.anomaly.methods import NORMAL_SHARE, Scale, check_complete, split_training
from lensfree.anomaly.score import forecast_mse
from lensfree.anomaly.split import deduplicated
from lensfree.anomaly.thresholds import window_threshold
from lensfree.anomaly.window_methods import isolation_forest_method, knn_method, pca_method
from lensfree.anomaly.windows import cut_windows
from lensfree.config import ScoreConfig

CONFIG = ScoreConfig(interval_min=60.0, input_points=20, target_points=10)
SPAN = 30
SEED = 5


def train_linearly(seed):
    return lambda inputs, targets, *validation: fit_ridge(inputs, targets)


FORECASTS = {m.name: m for m in (stardusts(train_linearly), persistence_method(), ridge_method())}
WHOLE = {m.name: m for m in (pca_method(), isolation_forest_method(), knn_method())}
if matrix_profile.is_available():
    WHOLE["matrix_profile"] = MatrixProfileMethod()
METHODS = FORECASTS | WHOLE
FINDS_A_LOSS = sorted(set(METHODS) - {"persistence", "pca"})


@pytest.fixture(scope="module")
def known(population):
    return population(1, 60, 4)[0]


@pytest.fixture(scope="module")
def unseen(population):
    return population(2, 40, 8)


@pytest.fixture(scope="module")
def judges(known):
    return {name: method.fit(known, CONFIG, SEED) for name, method in METHODS.items()}


@pytest.mark.parametrize("name", METHODS)
def test_all_judge_the_same_windows_and_short_histories_get_no_row(judges, unseen, make_history, name):
    series, _ = unseen
    short = make_history(77, np.linspace(200.0, 300.0, 6 * (SPAN - 1)))
    judged = judges[name].judge(pd.concat([series, short]))
    windows = cut_windows(series, CONFIG)
    assert judged.windows["series_id"].tolist() == windows.series_id.tolist()
    np.testing.assert_array_equal(judged.windows["start_h"], windows.start_h)
    assert judged.cells["series_id"].tolist() == list(range(40))
    assert np.isfinite(judged.windows["score"]).all() and judged.cells["is_flagged"].dtype == bool


@pytest.mark.parametrize("name", METHODS)
def test_histories_shorter_than_a_window_alone_give_empty_tables(judges, make_history, name):
    judged = judges[name].judge(make_history(1, np.full(20, 200.0)))
    assert judged.cells.empty and judged.windows.empty
    assert {"series_id", "score", "is_flagged"} <= set(judged.cells.columns)


@pytest.mark.parametrize("name", FINDS_A_LOSS)
def test_a_sudden_loss_ranks_above_normal_cells(judges, unseen, name):
    series, labels = unseen
    judged = judges[name].judge(series)
    assert cell_auc(judged.cells.set_index("series_id")["score"], labels) > 0.9


@pytest.mark.parametrize("name", METHODS)
def test_a_seed_decides(judges, known, unseen, name):
    again = METHODS[name].fit(known, CONFIG, SEED).judge(unseen[0])
    first = judges[name].judge(unseen[0])
    pd.testing.assert_frame_equal(again.cells, first.cells)
    other = METHODS[name].fit(known, CONFIG, SEED + 1).judge(unseen[0])
    assert not other.cells["score"].equals(first.cells["score"])


@pytest.mark.parametrize("name", METHODS)
def test_adapted_to_histories_their_unit_and_zero_do_not_matter(judges, unseen, name):
    series, _ = unseen
    scaled = series.assign(dry_mass_pg=1.7 * series["dry_mass_pg"] + 40)
    here, there = (judges[name].adapted(table).judge(table).cells for table in (series, scaled))
    np.testing.assert_allclose(there["score"], here["score"], rtol=2e-3, atol=1e-6)
    assert there["is_flagged"].equals(here["is_flagged"])
    raw = judges[name].judge(scaled).cells["score"]
    assert not np.allclose(raw, judges[name].judge(series).cells["score"], rtol=0.01)


@pytest.mark.parametrize("name", FORECASTS)
def test_forecasts_flag_and_rank_by_the_rule_of_the_paper(judges, known, unseen, name):
    judge, judged = judges[name], judges[name].judge(unseen[0])
    score = judged.windows["score"]
    share = (score > judge.tau).groupby(judged.windows["series_id"]).mean().to_numpy()
    mean_mse = score.groupby(judged.windows["series_id"]).mean().to_numpy()
    by_a, by_mean = ("score", "score_mean_mse") if name == "stardusts" else ("score_a", "score")
    np.testing.assert_allclose(judged.cells[by_a], share)
    np.testing.assert_allclose(judged.cells[by_mean], mean_mse)
    np.testing.assert_array_equal(judged.cells["is_flagged"], share > CONFIG.flag_above)
    of_training = judge.judge(known).windows
    training = split_training(known, CONFIG, SEED).training
    trained = of_training[of_training["series_id"].isin(training.series_id)]["score"]
    assert judge.tau == pytest.approx(window_threshold(trained.to_numpy(), CONFIG.sigma_count), rel=1e-5)


@pytest.mark.parametrize("name", WHOLE)
def test_the_others_flag_above_the_quantile_of_held_back_cells(judges, known, unseen, name):
    judge, cells = judges[name], judges[name].judge(known).cells.set_index("series_id")["score"]
    split = split_training(known, CONFIG, SEED)
    held_back = [*np.unique(split.validation.series_id), *np.unique(split.test.series_id)]
    assert 8 <= len(held_back) <= 16
    assert judge.threshold == pytest.approx(np.quantile(cells[held_back], NORMAL_SHARE))
    judged = judge.judge(unseen[0]).cells
    np.testing.assert_array_equal(judged["is_flagged"], judged["score"] > judge.threshold)


@pytest.mark.parametrize("name", sorted(set(WHOLE) - {"matrix_profile"}))
def test_a_cell_scores_the_mean_of_its_windows(judges, unseen, name):
    judged = judges[name].judge(unseen[0])
    mean = judged.windows.groupby("series_id")["score"].mean()
    np.testing.assert_allclose(judged.cells["score"], mean)


def test_a_judgement_that_leaves_something_out_is_refused(judges, unseen):
    judged, windows = judges["pca"].judge(unseen[0]), cut_windows(unseen[0], CONFIG)
    check_complete(judged, windows, "pca")
    for wrong in (
        replace(judged, cells=judged.cells[1:]),
        replace(judged, windows=judged.windows[1:]),
        replace(judged, cells=pd.concat([judged.cells, judged.cells[:1]])),
    ):
        with pytest.raises(ValueError, match="method 'pca' judged .* expected each of 40 once in"):
            check_complete(wrong, windows, "pca")


def test_pca_scores_what_five_components_leave():
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.normal(size=(12, 6)))[0]
    windows = rng.normal(size=(300, 5)) @ basis[:, :5].T
    score = pca_method().make(windows, 0)
    np.testing.assert_allclose(score(windows[:10]), 0, atol=1e-20)
    np.testing.assert_allclose(score(windows[:10] + 3 * basis[:, 5]), 9 / 12, rtol=1e-9)


def test_knn_scores_the_mean_distance_to_the_ten_nearest():
    rng = np.random.default_rng(1)
    # Twenty directions hold everything, so that distances survive the components.
    basis = np.linalg.qr(rng.normal(size=(26, 20)))[0]
    windows, unseen = rng.normal(size=(200, 20)) @ basis.T, rng.normal(size=(9, 20)) @ basis.T
    distances = np.sort(np.linalg.norm(unseen[:, None] - windows[None], axis=2), axis=1)[:, :10]
    np.testing.assert_allclose(knn_method().make(windows, 0)(unseen), distances.mean(axis=1), rtol=1e-6)


def test_an_isolated_window_scores_higher_in_the_forest():
    windows = np.random.default_rng(2).normal(size=(400, 6))
    score = isolation_forest_method().make(windows, 0)(np.vstack([np.zeros((1, 6)), np.full((1, 6), 6.0)]))
    assert score[1] > score[0] + 0.1


def test_whole_windows_are_as_measured_nothing_is_smoothed(known):
    windows = cut_windows(known, CONFIG)
    whole = Scale(100.0, 50.0).whole(windows.take(slice(3, 5)))
    assert whole.shape == (2, SPAN)
    points = windows.dry_mass_pg[windows.first[4] : windows.first[4] + SPAN]
    np.testing.assert_allclose(whole[1], (points - 100) / 50, rtol=1e-6)


@pytest.mark.skipif(not matrix_profile.is_available(), reason="stumpy is not installed")
def test_the_profile_is_the_distance_to_the_nearest_stretch_of_one_history(judges, known, unseen):
    """Formed anew, history by history, without the joining."""
    judge = judges["matrix_profile"]
    training = split_training(known, CONFIG, SEED).training
    drawn = np.random.default_rng(SEED).permutation(np.unique(training.series_id))[:TRAINING_HISTORIES]

    def stretches(windows, series_id):
        rows = np.flatnonzero(windows.series_id == series_id)
        points = windows.dry_mass_pg[windows.first[rows[0]] : windows.first[rows[-1]] + SPAN]
        points = (points - judge.scale.mean_pg) / judge.scale.sd_pg
        return np.lib.stride_tricks.sliding_window_view(points, SPAN // PARTS)

    near = np.concatenate([stretches(training, one) for one in drawn])
    windows = cut_windows(unseen[0], CONFIG)
    expected = []
    for series_id in (0, 7, 39):
        far = np.linalg.norm(stretches(windows, series_id)[:, None] - near[None], axis=2).min(axis=1)
        inside = np.lib.stride_tricks.sliding_window_view(far, SPAN - SPAN // PARTS + 1).max(axis=1)
        expected.append(inside)
        of_cell = judge.judge(unseen[0]).cells.set_index("series_id").loc[series_id, "score"]
        assert of_cell == pytest.approx(inside.max(), rel=1e-5)
    table = judge.judge(unseen[0]).windows
    found = table[table["series_id"].isin([0, 7, 39])]["score"]
    np.testing.assert_allclose(found, np.concatenate(expected), rtol=1e-5)


def test_without_stumpy_the_profile_says_what_to_install(known, monkeypatch):
    monkeypatch.setattr(matrix_profile, "find_spec", lambda name: None)
    assert not matrix_profile.is_available()
    with pytest.raises(ModuleNotFoundError, match="needs stumpy; install the extra `peers`"):
        MatrixProfileMethod().fit(known, CONFIG, 0)


@pytest.mark.parametrize("name", FORECASTS)
@pytest.mark.parametrize(
    "changed",
    [
        {"threshold": "quantile", "threshold_quantile": 0.8},
        {"target": "raw"},
        {"normalisation": "per_split"},
    ],
)
def test_forecasts_heed_the_options_of_the_published_method(judges, known, unseen, name, changed):
    config = CONFIG.model_copy(update=changed)
    judge, plain = METHODS[name].fit(known, config, SEED), judges[name]
    windows = cut_windows(unseen[0], config)
    scale = Scale.of(deduplicated(windows)) if "normalisation" in changed else plain.scale
    expected = forecast_mse(
        windows, judge.forecast, mean_pg=scale.mean_pg, sd_pg=scale.sd_pg, target=config.target
    )
    np.testing.assert_allclose(judge.judge(unseen[0]).windows["score"], expected, rtol=1e-6)
    if "normalisation" not in changed:
        assert judge.tau != plain.tau
    if "threshold" in changed:
        training = split_training(known, config, SEED).training
        mse = forecast_mse(training, judge.forecast, mean_pg=judge.scale.mean_pg, sd_pg=judge.scale.sd_pg)
        assert judge.tau == pytest.approx(np.quantile(mse, 0.8))
