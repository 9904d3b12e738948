"""Histories: pooled without mixing identities, grouped by the cells they share."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lensfree.anomaly.histories import blocks, blocks_of_parts, lineages, pool_series
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


@pytest.mark.parametrize("rows", [1, 7, 12, 1000])
def test_blocks_hold_whole_histories_each_once(make_history, rows):
    lengths = {3: 5, 0: 4, 9: 6, 4: 3}
    series = pd.concat([make_history(name, np.arange(n)) for name, n in lengths.items()])
    parts = list(blocks(series, rows))
    assert all(len(part) >= rows for part in parts[:-1])
    joined = pd.concat(parts)
    assert joined["series_id"].drop_duplicates().tolist() == [0, 3, 4, 9]
    assert joined["series_id"].value_counts().to_dict() == lengths
    assert sum(part["series_id"].nunique() for part in parts) == 4
    times = joined.groupby("series_id")["time_h"]
    assert times.apply(lambda time_h: time_h.is_monotonic_increasing).all()


@pytest.mark.parametrize("rows", [1, 5, 7, 12, 18, 1000])
@pytest.mark.parametrize("at_once", [1, 2, 4, 5, 7, 18, 100])
def test_a_table_in_parts_gives_the_blocks_of_the_whole(make_history, rows, at_once):
    lengths = {0: 4, 3: 5, 4: 3, 9: 6}
    series = pd.concat([make_history(name, np.arange(n)) for name, n in lengths.items()], ignore_index=True)
    parts = (series.iloc[k : k + at_once] for k in range(0, len(series), at_once))
    for got, expected in zip(blocks_of_parts(parts, rows), blocks(series, rows), strict=True):
        pd.testing.assert_frame_equal(got.reset_index(drop=True), expected.reset_index(drop=True))


def test_no_history_gives_no_block():
    assert list(blocks(empty_table(SERIES), 10)) == []
    assert list(blocks_of_parts([], 10)) == list(blocks_of_parts([empty_table(SERIES)], 10)) == []
