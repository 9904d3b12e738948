"""Tracks as CSV, read back by pandas."""

import csv

import numpy as np
import pandas as pd
import pytest
from exported import family, sorted_rows

from lensfree.contracts import TRACKS
from lensfree.io.exports.spreadsheet import write_csv
from lensfree.io.tables import empty_table

# The default parser became exact; before, it was off by the last bit at times.
IS_EXACT = tuple(int(n) for n in pd.__version__.split(".")[:2]) >= (3, 1)
EXACT = {} if IS_EXACT else {"float_precision": "round_trip"}


@pytest.fixture
def awkward():
    """Numbers whose last digits a short text would lose."""
    rng = np.random.default_rng(11)
    table = pd.concat([family()] * 40, ignore_index=True)
    return table.assign(
        dry_mass_pg=rng.uniform(0, 1, len(table)) * 10.0 ** rng.integers(-12, 12, len(table)),
        y_um=rng.normal(0, 1e3, len(table)),
    )


def test_every_bit_comes_back(tmp_path, awkward):
    write_csv(tmp_path / "tracks.csv", awkward)
    got = pd.read_csv(tmp_path / "tracks.csv", **EXACT)
    pd.testing.assert_frame_equal(got.astype({"frame": "int32"}), awkward, check_exact=True)


def test_pandas_needs_no_arguments(tmp_path, awkward):
    write_csv(tmp_path / "tracks.csv", awkward)
    got = pd.read_csv(tmp_path / "tracks.csv")
    floats = [name for name, column in TRACKS.columns.items() if column.dtype == "float64"]
    np.testing.assert_array_max_ulp(got[floats].to_numpy(), awkward[floats].to_numpy(), maxulp=1)
    others = [name for name in TRACKS.columns if name not in floats]
    pd.testing.assert_frame_equal(got[others].astype({"frame": "int32"}), awkward[others])


def test_one_header_row_names_every_column_with_its_unit(tmp_path):
    write_csv(tmp_path / "tracks.csv", family())
    with open(tmp_path / "tracks.csv", encoding="utf-8", newline="") as handle:
        header, *rows = list(csv.reader(handle))
    assert header == list(TRACKS.columns)
    for name, column in TRACKS.columns.items():
        assert column.unit == "1" or name.endswith(f"_{column.unit}")
    assert {len(row) for row in rows} == {len(header)}
    assert len(rows) == len(family())


def test_no_cells_leave_the_header(tmp_path):
    write_csv(tmp_path / "tracks.csv", empty_table(TRACKS))
    got = pd.read_csv(tmp_path / "tracks.csv")
    assert (len(got), list(got.columns)) == (0, list(TRACKS.columns))


def test_the_same_cells_and_lineage(tmp_path):
    write_csv(tmp_path / "tracks.csv", family())
    got = sorted_rows(pd.read_csv(tmp_path / "tracks.csv"))
    wanted = sorted_rows(family())
    for name in ("frame", "cell_id", "parent_id", "lineage_id", "model", "touches_border"):
        assert got[name].tolist() == wanted[name].tolist(), name
