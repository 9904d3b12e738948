"""Histories read a few at a time: the same as read whole, in whatever order the file has them."""

import numpy as np
import pandas as pd
import pytest

from lensfree.contracts import SERIES
from lensfree.io.tables import empty_table, write_table
from lensfree.simulate.series import simulate_series
from lensfree.stages import series_file
from lensfree.stages.series_file import SeriesFile


@pytest.fixture(scope="module")
def series():
    return simulate_series(40, (30, 60), np.random.default_rng(5), 0.1)[0][list(SERIES.columns)]


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.setattr(series_file, "ROWS_AT_ONCE", 256)

    def write(table):
        write_table(tmp_path / "series.parquet", table, SERIES)
        return SeriesFile(tmp_path / "series.parquet")

    return write


def joined(parts):
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize("is_shuffled", [False, True])
def test_blocks_are_whole_histories_and_all_of_them(write, series, is_shuffled):
    table = series.sample(frac=1, random_state=1) if is_shuffled else series
    parts = list(write(table).blocks())
    assert len(parts) > 3 and all(256 <= len(part) < 256 + 60 for part in parts[:-1])
    order = ["series_id", "time_h"]
    expected = series.sort_values(order, ignore_index=True)
    pd.testing.assert_frame_equal(joined(parts).sort_values(order, ignore_index=True), expected)
    assert sum(part["series_id"].nunique() for part in parts) == 40


def test_what_is_known_of_all_rows(write, series):
    file = write(series)
    assert file.series_id.tolist() == sorted(series["series_id"].unique())
    assert file.median_pg == series["dry_mass_pg"].median()


def test_some_histories_are_read_alone(write, series):
    wanted = [3, 17, 39]
    got = write(series).of(wanted)
    pd.testing.assert_frame_equal(got, series[series["series_id"].isin(wanted)].reset_index(drop=True))
    assert write(series).of([]).empty


def test_histories_for_norms_come_evenly_from_all(write, series):
    file = write(series)
    pd.testing.assert_frame_equal(file.evenly(len(series)), series)
    got = file.evenly(len(series) // 4)
    ids = got["series_id"].unique()
    assert np.diff(ids).tolist() == [4] * 9
    assert got["series_id"].value_counts().to_dict() == {
        name: n for name, n in series["series_id"].value_counts().items() if name in ids
    }


def test_no_history_is_no_block(write):
    file = write(empty_table(SERIES))
    assert list(file.blocks()) == [] and file.series_id.size == 0 and np.isnan(file.median_pg)
    assert file.of([]).empty and file.evenly(10).empty
