"""Histories: pooled without mixing identities, grouped by the cells they share."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lensfree.anomaly.histories import lineages, pool_series
from lensfree.contracts import SERIES
from lensfree.io.tables import empty_table


def test_daughters_share_a_lineage_and_strangers_do_not(make_history):
    series = pd.concat(
        [
            make_history(10, np.ones(4), cell_id=np.array([1, 1, 2, 2])),
            make_history(11, np.ones(4), cell_id=np.array([1, 1, 3, 3])),
            make_history(12, np.ones(4), cell_id=np.array([3, 3, 4, 4])),
            make_history(13, np.ones(4), cell_id=np.array([5, 5, 6, 6])),
        ]
    )
    of = lineages(series)
    assert of[10] == of[11] == of[12] != of[13]


def test_no_histories_have_no_lineages():
    assert lineages(empty_table(SERIES)) == {}


def test_acquisitions_with_the_same_identities_stay_apart(make_history):
    first = make_history(5, np.ones(4), cell_id=np.array([7, 7, 8, 8]))
    second = pd.concat([make_history(5, np.zeros(3), cell_id=7), make_history(6, np.zeros(3), cell_id=9)])
    pooled = pool_series([first, empty_table(SERIES), second])
    assert pooled["series_id"].nunique() == 3
    assert len(set(lineages(pooled).values())) == 3
    assert pooled.groupby("series_id")["dry_mass_pg"].nunique().eq(1).all()
    assert pooled.groupby("series_id")["cell_id"].nunique().tolist() == [2, 1, 1]


def test_pooling_keeps_negative_and_large_identities_apart(make_history):
    pooled = pool_series(
        [make_history(-4, np.ones(3), cell_id=10**12), make_history(-4, np.ones(3), cell_id=-1)]
    )
    assert pooled["series_id"].nunique() == pooled["cell_id"].nunique() == 2


def test_pooling_nothing_gives_an_empty_table():
    assert pool_series([empty_table(SERIES)]).empty
    assert list(pool_series([empty_table(SERIES)] * 2).columns) == list(SERIES.columns)
