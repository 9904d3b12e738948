"""The detector as a whole, on a plain population with a forecast that needs no network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from lensfree.anomaly import plus as plus_module
from lensfree.anomaly.baselines import fit_ridge
from lensfree.anomaly.plus import Plus, fit_plus
from lensfree.anomaly.windows import cut_windows
from lensfree.config import ScoreConfig

CONFIG = ScoreConfig(interval_min=20.0, input_points=60, target_points=30)


def linear(inputs, targets):
    """Return a linear forecast with the sd of its training errors."""
    ridge = fit_ridge(inputs, targets)
    sd = (targets - ridge(inputs)).std(axis=0)
    return lambda unseen: (ridge(unseen), np.broadcast_to(sd, (len(unseen), len(sd))))


@pytest.fixture(scope="module")
def population():
    from tests.anomaly.conftest import simulate_population

    return simulate_population(1, 60, 6, n_points=300)


@pytest.fixture(scope="module")
def fitted(population) -> Plus:
    return fit_plus(cut_windows(population[0], CONFIG), linear, contamination=0.1, seed=3)


@pytest.fixture(scope="module")
def unseen():
    from tests.anomaly.conftest import simulate_population

    table, labels = simulate_population(2, 50, 8, n_points=300)
    return cut_windows(table, CONFIG), labels


def test_abnormal_histories_surprise_more(fitted, unseen):
    windows, labels = unseen
    _, histories = fitted.judge(windows, 0.01)
    is_abnormal = labels.set_index("series_id")["is_abnormal"].reindex(histories["series_id"])
    assert roc_auc_score(is_abnormal, histories["surprise"]) > 0.97
    assert histories.loc[is_abnormal.to_numpy(), "is_flagged"].mean() > 0.7
    assert histories.loc[~is_abnormal.to_numpy(), "is_flagged"].mean() < 0.1


def test_tables_say_the_same_in_all_columns(fitted, unseen):
    windows, _ = unseen
    judged, histories = fitted.judge(windows, 0.02)
    assert judged["series_id"].tolist() == windows.series_id.tolist()
    assert judged["start_h"].tolist() == windows.start_h.tolist()
    assert (judged["is_abnormal"] == (judged["surprise"] > fitted.tail_of_windows.threshold(0.02))).all()
    assert (histories["is_flagged"] == (histories["normal_share"] < 0.02)).all()
    shares = judged.groupby("series_id")["is_abnormal"].mean()
    np.testing.assert_allclose(histories["anomaly_score"], shares)
    assert histories["n_windows"].tolist() == judged.groupby("series_id").size().tolist()
    assert set(histories["view"]) <= {"window", "third", "tenth", "forecast"}
    assert histories["surprise"].nunique() == len(histories)


def test_alpha_moves_the_flags_and_nothing_else(fitted, unseen):
    windows, _ = unseen
    few, many = (fitted.judge(windows, alpha)[1] for alpha in (0.001, 0.1))
    assert few["surprise"].equals(many["surprise"])
    assert few["is_flagged"].sum() < many["is_flagged"].sum()


def test_a_history_is_judged_alike_alone_and_among_others(fitted, unseen):
    windows, _ = unseen
    whole_windows, whole = fitted.judge(windows, 0.01)
    mine = windows.take(windows.series_id == 7)
    alone_windows, alone = fitted.judge(mine, 0.01)
    assert alone["surprise"].iloc[0] == pytest.approx(whole["surprise"].iloc[7], rel=1e-5)
    expected = whole_windows.loc[whole_windows["series_id"] == 7, "surprise"]
    np.testing.assert_allclose(alone_windows["surprise"], expected, rtol=1e-5)


def test_blocks_do_not_change_a_judgement(fitted, unseen, monkeypatch):
    windows, _ = unseen
    whole = fitted.judge(windows, 0.01)
    monkeypatch.setattr(plus_module, "BLOCK", 17)
    monkeypatch.setattr("lensfree.anomaly.density._SHOWN", 23)
    for one, other in zip(whole, fitted.judge(windows, 0.01), strict=True):
        np.testing.assert_allclose(one["surprise"], other["surprise"], rtol=1e-4)


def test_the_surprise_of_a_window_looks_at_all_short_stretches_within(fitted, make_population):
    """A dip of three points surprises every window that covers it, and none that does not."""
    table = make_population(9, 3, 0, n_points=300)[0]
    quiet = fitted.judge(cut_windows(table, CONFIG), 0.01)[0]
    at = table.index[table["series_id"] == 1][60:66]
    table.loc[at, "dry_mass_pg"] *= 0.3
    judged = fitted.judge(cut_windows(table, CONFIG), 0.01)[0]
    tenth = fitted.densities[2].view.points
    mine = judged["series_id"] == 1
    begins = np.round(judged.loc[mine, "start_h"] * 3).astype(int)  # in points of 20 min
    covers = begins <= 30 - tenth // 2
    assert (judged.loc[mine, "surprise"] > quiet.loc[mine, "surprise"] + 1)[covers].all()
    clear = begins > 34
    assert covers.sum() > 10 and clear.sum() > 10
    pd.testing.assert_series_equal(judged.loc[mine, "surprise"][clear], quiet.loc[mine, "surprise"][clear])
    assert judged.loc[~mine, "surprise"].equals(quiet.loc[~mine, "surprise"])


def test_another_population_is_judged_on_its_own_scale(fitted, unseen, make_population):
    heavier = make_population(2, 50, 8, n_points=300)[0]
    heavier["dry_mass_pg"] *= 2.0
    windows = cut_windows(heavier, CONFIG)
    at_home = fitted.judge(unseen[0], 0.01)[1]
    scaled = fitted.in_unit(2 * fitted.unit_pg).judge(windows, 0.01)[1]
    np.testing.assert_allclose(scaled["surprise"], at_home["surprise"], rtol=1e-4)
    unscaled = fitted.judge(windows, 0.01)[1]
    assert unscaled["is_flagged"].mean() > 0.9


def test_the_seed_decides(population):
    windows = cut_windows(population[0], CONFIG)
    one, other, third = (
        fit_plus(windows, linear, contamination=0.1, seed=seed).judge(windows, 0.01)[1]["surprise"]
        for seed in (3, 3, 4)
    )
    assert one.equals(other) and not one.equals(third)


def test_the_abnormal_are_not_counted_as_known(population, monkeypatch):
    kept = []
    real = plus_module.fit_density

    def watched(stretches, is_known, rng):
        kept.append(set(stretches.series_id[is_known].tolist()))
        return real(stretches, is_known, rng)

    monkeypatch.setattr(plus_module, "fit_density", watched)
    fit_plus(cut_windows(population[0], CONFIG), linear, contamination=0.1, seed=3)
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
    fit_plus(cut_windows(population[0], CONFIG), linear, contamination=0.1, seed=3)
    assert seen[0] == 30


def test_families_stay_together_in_the_two_halves(population):
    """The forecast that judges a training history has not seen its relatives."""
    table = population[0].copy()
    twins = table[table["series_id"] < 30].assign(series_id=lambda rows: rows["series_id"] + 100)
    windows = cut_windows(pd.concat([table, twins], ignore_index=True), CONFIG)
    trained, judged = [], []

    def remembering(inputs, targets):
        known = {row.tobytes() for row in inputs}
        trained.append(len(inputs))

        def outlook(unseen):
            judged.append(sum(row.tobytes() in known for row in unseen))
            return np.zeros((len(unseen), 30), np.float32), np.ones((len(unseen), 30), np.float32)

        return outlook

    fit_plus(windows, remembering, contamination=0.1, seed=3)
    assert len(trained) == 3 and trained[0] + trained[1] == trained[2]
    assert judged and sum(judged) == 0


def test_constant_dry_mass_is_refused(make_history):
    table = pd.concat([make_history(i, np.full(300, 200.0)) for i in range(30)])
    with pytest.raises(ValueError, match="spread 0 cannot be learnt from, expected dry mass that varies"):
        fit_plus(cut_windows(table, CONFIG), linear, contamination=0.1, seed=3)


def test_too_few_histories_are_refused(make_population):
    table = make_population(1, 12, 0, n_points=300)[0]
    with pytest.raises(ValueError, match="got 12 histories to learn from, expected at least 20"):
        fit_plus(cut_windows(table, CONFIG), linear, contamination=0.1, seed=3)


def test_nothing_to_judge_gives_empty_tables(fitted, make_history):
    none = cut_windows(make_history(0, np.ones(7)), CONFIG)
    judged, histories = fitted.judge(none, 0.01)
    assert judged.empty and histories.empty
    assert replace(fitted, unit_pg=1.0).view_names == ("window", "third", "tenth", "forecast")
