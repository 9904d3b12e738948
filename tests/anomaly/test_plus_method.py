"""The detector through the protocol of methods."""

from __future__ import annotations

import numpy as np
import pytest

from lensfree.anomaly.methods import check_complete
from lensfree.anomaly.plus import fit_plus
from lensfree.anomaly.plus_method import PlusMethod
from lensfree.anomaly.windows import cut_windows
from lensfree.config import ScoreConfig

CONFIG = ScoreConfig(interval_min=20.0, input_points=60, target_points=30, alpha=0.02)


def flat(inputs, targets):
    """Return a forecast that says: as the training targets, on average."""
    mean, sd = targets.mean(axis=0), targets.std(axis=0)
    return lambda unseen: (np.tile(mean, (len(unseen), 1)), np.tile(sd, (len(unseen), 1)))


@pytest.fixture
def judge(make_population):
    return PlusMethod(lambda seed: flat).fit(make_population(1, 40, 4, n_points=300)[0], CONFIG, 5)


def test_it_ranks_by_surprise_and_flags_at_alpha(judge, make_population):
    table = make_population(2, 20, 3, n_points=300)[0]
    windows = cut_windows(table, CONFIG)
    judged = judge.judge(table)
    check_complete(judged, windows, "stardusts_plus")
    by_window, cells = judge.plus.judge(windows, table, 0.02)
    assert judged.cells["score"].tolist() == cells["surprise"].tolist()
    assert judged.cells["is_flagged"].tolist() == cells["is_flagged"].tolist()
    assert judged.windows["score"].tolist() == by_window["surprise"].tolist()


def test_the_seed_and_the_share_of_abnormal_reach_the_fit(judge, make_population):
    table = make_population(1, 40, 4, n_points=300)[0]
    seeds = []

    def trainer(seed):
        seeds.append(seed)
        return flat

    fitted = PlusMethod(trainer).fit(table, CONFIG, 5)
    assert seeds == [5]
    expected = fit_plus(cut_windows(table, CONFIG), table, flat, contamination=CONFIG.contamination, seed=5)
    assert fitted.plus.tail == expected.tail == judge.plus.tail


def test_another_laboratory_is_judged_in_its_unit(judge, make_population):
    table = make_population(2, 20, 3, n_points=300)[0]
    heavier = table.assign(dry_mass_pg=table["dry_mass_pg"] * 3)
    one, other = (judge.adapted(each).judge(each).cells["score"] for each in (table, heavier))
    np.testing.assert_allclose(one, other, rtol=1e-4)
    assert (judge.judge(heavier).cells["score"] > other + 1).mean() > 0.8
