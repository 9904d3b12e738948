"""The detector as a whole, on a plain population with a forecast that needs no network."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from lensfree.anomaly import plus as plus_module
from lensfree.anomaly.baselines import fit_ridge
from lensfree.anomaly.norms import Norms
from lensfree.anomaly.plus import Plus, fit_plus
from lensfree.anomaly.reasons import log_odds
from lensfree.anomaly.surprise import Scales
from lensfree.anomaly.windows import cut_windows
from lensfree.config import ScoreConfig

CONFIG = ScoreConfig(interval_min=20.0, input_points=60, target_points=30)


def linear(inputs, targets):
    """Return a linear forecast with the sd of its training errors."""
    ridge = fit_ridge(inputs, targets)
    sd = (targets - ridge(inputs)).std(axis=0)
    return lambda unseen: (ridge(unseen), np.broadcast_to(sd, (len(unseen), len(sd))))


def fit(table, train=linear, seed=3) -> Plus:
    return fit_plus(cut_windows(table, CONFIG), table, train, contamination=0.1, seed=seed)


def judge(plus: Plus, table, alpha: float = 0.01):
    return plus.judge(cut_windows(table, CONFIG), table, alpha)


@pytest.fixture(scope="module")
def population():
    from tests.anomaly.conftest import simulate_population

    return simulate_population(1, 60, 6, n_points=300)


@pytest.fixture(scope="module")
def fitted(population) -> Plus:
    return fit(population[0])


@pytest.fixture(scope="module")
def unseen():
    from tests.anomaly.conftest import simulate_population

    return simulate_population(2, 50, 8, n_points=300)


def test_abnormal_histories_surprise_more(fitted, unseen):
    table, labels = unseen
    _, histories = judge(fitted, table)
    is_abnormal = labels.set_index("series_id")["is_abnormal"].reindex(histories["series_id"])
    assert roc_auc_score(is_abnormal, histories["surprise"]) > 0.97
    assert histories.loc[is_abnormal.to_numpy(), "is_flagged"].mean() > 0.7
    assert histories.loc[~is_abnormal.to_numpy(), "is_flagged"].mean() < 0.1


def test_tables_say_the_same_in_all_columns(fitted, unseen):
    windows = cut_windows(unseen[0], CONFIG)
    judged, histories = judge(fitted, unseen[0], 0.02)
    assert judged["series_id"].tolist() == windows.series_id.tolist()
    assert judged["start_h"].tolist() == windows.start_h.tolist()
    assert (judged["is_abnormal"] == (judged["surprise"] > fitted.tail_of_windows.threshold(0.02))).all()
    assert (histories["is_flagged"] == (histories["normal_share"] < 0.02)).all()
    shares = judged.groupby("series_id")["is_abnormal"].mean()
    np.testing.assert_allclose(histories["anomaly_score"], shares)
    assert histories["n_windows"].tolist() == judged.groupby("series_id").size().tolist()
    assert set(histories["view"]) <= {"window", "third", "tenth", "forecast", "kinds"}
    assert histories["surprise"].nunique() == len(histories)


def test_alpha_moves_the_flags_and_nothing_else(fitted, unseen):
    few, many = (judge(fitted, unseen[0], alpha)[1] for alpha in (0.001, 0.1))
    assert few["surprise"].equals(many["surprise"])
    assert few["is_flagged"].sum() < many["is_flagged"].sum()


def test_a_history_is_judged_alike_alone_and_among_others(fitted, unseen):
    table = unseen[0]
    whole_windows, whole = judge(fitted, table)
    alone_windows, alone = judge(fitted, table[table["series_id"] == 7])
    assert alone["surprise"].iloc[0] == pytest.approx(whole["surprise"].iloc[7], rel=1e-5)
    expected = whole_windows.loc[whole_windows["series_id"] == 7, "surprise"]
    np.testing.assert_allclose(alone_windows["surprise"], expected, rtol=1e-5)


def test_blocks_do_not_change_a_judgement(fitted, unseen, monkeypatch):
    whole = judge(fitted, unseen[0])
    monkeypatch.setattr("lensfree.anomaly.outlooks.BLOCK", 17)
    monkeypatch.setattr("lensfree.anomaly.density._SHOWN", 23)
    for one, other in zip(whole, judge(fitted, unseen[0]), strict=True):
        np.testing.assert_allclose(one["surprise"], other["surprise"], rtol=1e-4)


def test_the_surprise_of_a_window_looks_at_all_short_stretches_within(fitted, make_population):
    """A dip of three points surprises every window that covers it, and none that does not."""
    table = make_population(9, 3, 0, n_points=300)[0]
    quiet = judge(fitted, table)[0]
    at = table.index[table["series_id"] == 1][60:66]
    table.loc[at, "dry_mass_pg"] *= 0.3
    judged = judge(fitted, table)[0]
    tenth = fitted.densities[2].view.points
    mine = judged["series_id"] == 1
    begins = np.round(judged.loc[mine, "start_h"] * 3).astype(int)  # in points of 20 min
    covers = begins <= 30 - tenth // 2
    assert (judged.loc[mine, "surprise"] > quiet.loc[mine, "surprise"] + 1)[covers].all()
    clear = begins > 34
    assert covers.sum() > 10 and clear.sum() > 10
    pd.testing.assert_series_equal(judged.loc[mine, "surprise"][clear], quiet.loc[mine, "surprise"][clear])
    assert judged.loc[~mine, "surprise"].equals(quiet.loc[~mine, "surprise"])


def test_another_population_is_judged_on_its_own_scale(fitted, population, unseen, make_population):
    heavier = unseen[0].assign(dry_mass_pg=unseen[0]["dry_mass_pg"] * 2)
    at_home = judge(fitted, unseen[0])[1]
    norms = Norms.learn(population[0].assign(dry_mass_pg=population[0]["dry_mass_pg"] * 2))
    scaled = judge(fitted.for_population(2 * fitted.unit_pg, norms), heavier)[1]
    np.testing.assert_allclose(scaled["surprise"], at_home["surprise"], rtol=1e-3)
    assert judge(fitted, heavier)[1]["is_flagged"].mean() > 0.9


def test_the_known_kinds_are_one_of_the_views(fitted, unseen):
    table = unseen[0]
    histories = judge(fitted, table)[1]
    assert fitted.view_names[-1] == "kinds" and fitted.cells.median.shape == (5,)
    assert fitted.of_windows.median.shape == (4,)
    odds = log_odds(table[table["series_id"] == 49], fitted.norms)
    of_kinds = Scales(fitted.cells.median[4:], fitted.cells.sd[4:]).surprise(np.array([[odds]]))[0, 0]
    assert histories["surprise"].iloc[49] >= of_kinds > 3


def test_the_seed_decides(population):
    one, other, third = (
        judge(fit(population[0], seed=seed), population[0])[1]["surprise"] for seed in (3, 3, 4)
    )
    assert one.equals(other) and not one.equals(third)


def test_the_abnormal_are_not_counted_as_known(population, monkeypatch):
    kept = []
    real = plus_module.fit_density

    def watched(stretches, is_known, rng):
        kept.append(set(stretches.series_id[is_known].tolist()))
        return real(stretches, is_known, rng)

    monkeypatch.setattr(plus_module, "fit_density", watched)
    fit(population[0])
    assert all(len(ids) == 60 for ids in kept[:3])
    assert all(ids == kept[3] for ids in kept[3:])
    assert len(kept[3]) == 54 and len(kept[3] & set(range(54, 60))) <= 1


def test_more_histories_than_needed_are_drawn_from(population, monkeypatch):
    monkeypatch.setattr(plus_module, "MAX_HISTORIES", 30)
    seen = []
    real = plus_module.learn_scales
    monkeypatch.setattr(
        plus_module, "learn_scales", lambda scores, share: seen.append(len(scores)) or real(scores, share)
    )
    fit(population[0])
    assert seen[0] == 30


def test_families_stay_together_in_the_two_halves(population):
    """The forecast that judges a training history has not seen its relatives."""
    table = population[0].copy()
    twins = table[table["series_id"] < 30].assign(series_id=lambda rows: rows["series_id"] + 100)
    doubled = pd.concat([table, twins], ignore_index=True)
    trained, judged = [], []

    def remembering(inputs, targets):
        known = {row.tobytes() for row in inputs}
        trained.append(len(inputs))

        def outlook(unseen):
            judged.append(sum(row.tobytes() in known for row in unseen))
            return np.zeros((len(unseen), 30), np.float32), np.ones((len(unseen), 30), np.float32)

        return outlook

    fit(doubled, remembering)
    assert len(trained) == 3 and trained[0] + trained[1] == trained[2]
    assert judged and sum(judged) == 0


def test_constant_dry_mass_is_refused(make_history):
    table = pd.concat([make_history(i, np.full(300, 200.0)) for i in range(30)])
    with pytest.raises(ValueError, match="spread 0 cannot be learnt from, expected dry mass that varies"):
        fit(table)


def test_too_few_histories_are_refused(make_population):
    table = make_population(1, 12, 0, n_points=300)[0]
    with pytest.raises(ValueError, match="got 12 histories to learn from, expected at least 20"):
        fit(table)


def test_nothing_to_judge_gives_empty_tables(fitted, make_history):
    judged, histories = judge(fitted, make_history(0, np.ones(7)))
    assert judged.empty and histories.empty


def test_without_known_kinds_only_densities_and_forecast_decide(population, fitted):
    blind = fit_plus(
        cut_windows(population[0], CONFIG),
        population[0],
        linear,
        contamination=0.1,
        seed=3,
        is_kinds_asked=False,
    )
    assert blind.view_names == ("window", "third", "tenth", "forecast")
    histories = judge(blind, population[0])[1]
    assert not (histories["view"] == "kinds").any()
    assert (judge(fitted, population[0])[1]["view"] == "kinds").any()


def test_histories_of_several_populations_are_asked_by_what_is_normal_for_their_own(population):
    fast, _ = population
    slow = fast.assign(
        series_id=fast["series_id"] + 60,
        cell_id=fast["cell_id"] + 100_000,
        dry_mass_pg=fast["dry_mass_pg"] ** 0.5 * 20,
    )
    table = pd.concat([fast, slow], ignore_index=True)
    windows = cut_windows(table, CONFIG)
    odds = plus_module._odds_by_population(windows, table, np.repeat([0, 1], 60))
    for part in (fast, slow):
        norms = Norms.learn(part)
        for series_id in part["series_id"].unique()[[3, 57]]:
            rows = part[part["series_id"] == series_id]
            assert odds[series_id] == pytest.approx(log_odds(rows, norms))
    apart = fit_plus(windows, table, linear, contamination=0.1, seed=3, population_of=np.repeat([0, 1], 60))
    pooled = fit_plus(windows, table, linear, contamination=0.1, seed=3)
    at = apart.view_names.index("kinds")
    assert apart.cells.sd[at] != pooled.cells.sd[at]
    assert np.allclose(np.delete(apart.cells.sd, at), np.delete(pooled.cells.sd, at), rtol=0.2)
