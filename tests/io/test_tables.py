"""Parquet tables: contracts are kept on write and on read."""

from dataclasses import replace

import pandas as pd
import pyarrow.parquet as pq
import pytest

from lensfree.contracts import SCORES, SERIES, TABLES, ContractError, TableContract
from lensfree.io.files import written_whole
from lensfree.io.tables import empty_table, read_provenance, read_table, read_tables, write_table

ROWS = pd.DataFrame(
    {
        "series_id": [1, 1],
        "cell_id": [3, 3],
        "time_h": [0.0, 0.5],
        "dry_mass_pg": [200.0, 201.0],
        "is_filled": [False, True],
        "is_repeated": [False, False],
    }
)

MISTYPED = TableContract(
    SERIES.name, {**SERIES.columns, "cell_id": replace(SERIES.columns["cell_id"], dtype="str")}
)

SCORED = pd.DataFrame(
    {
        "series_id": [1, 2],
        "n_windows": [3, 4],
        "anomaly_score": 0.5,
        "surprise": 2.0,
        "normal_share": 0.1,
        "view": "tenth",
        "is_flagged": True,
        "kind": "unclear",
        "is_acquisition": False,
        "onset_h": float("nan"),
        "evidence": "",
    }
)


def test_a_table_comes_back_with_its_provenance_and_units(tmp_path):
    path = tmp_path / "series.parquet"
    write_table(path, ROWS[ROWS.columns[::-1]], SERIES, provenance={"code": "abc"})
    pd.testing.assert_frame_equal(read_table(path, SERIES), ROWS)
    assert read_provenance(path) == {"code": "abc"}
    assert pq.read_schema(path).field("dry_mass_pg").metadata[b"unit"] == b"pg"


def test_files_come_one_below_the_other_and_only_the_columns_asked_for(tmp_path):
    paths = [tmp_path / f"{name}.parquet" for name in "ab"]
    write_table(paths[0], ROWS.iloc[1:], SERIES)
    write_table(paths[1], ROWS.iloc[:1], SERIES)
    both = ROWS.iloc[::-1].reset_index(drop=True)
    pd.testing.assert_frame_equal(read_tables(paths, SERIES), both)
    some = ["time_h", "cell_id"]
    pd.testing.assert_frame_equal(read_tables(paths, SERIES, columns=some), both[some])


def test_a_column_that_is_not_asked_for_is_checked_as_well(tmp_path):
    path = tmp_path / "s.parquet"
    write_table(path, ROWS.assign(cell_id=["a", "b"]), MISTYPED)
    with pytest.raises(ContractError, match="column 'cell_id' is str, expected int64"):
        read_tables([path], SERIES, columns=["time_h"])


@pytest.mark.parametrize("dtype", ["str", "object"])
def test_text_comes_back_as_it_was(tmp_path, dtype):
    rows = SCORED.assign(model=pd.Series(["ä 1.0", ""], dtype=dtype))
    write_table(tmp_path / "s.parquet", rows, SCORES)
    assert read_table(tmp_path / "s.parquet", SCORES)["model"].tolist() == ["ä 1.0", ""]


def test_text_that_is_missing_is_refused(tmp_path):
    rows = SCORED.assign(model=pd.Series(["a", None], dtype="str"))
    with pytest.raises(ContractError, match="column 'model' is str, expected str"):
        write_table(tmp_path / "s.parquet", rows, SCORES)


def test_missing_and_extra_columns_are_named(tmp_path):
    with pytest.raises(ContractError, match=r"missing \['is_filled'\], extra \['mass'\]"):
        write_table(tmp_path / "s.parquet", ROWS.rename(columns={"is_filled": "mass"}), SERIES)
    assert list(tmp_path.iterdir()) == []


def test_a_cast_that_would_lose_something_is_refused(tmp_path):
    with pytest.raises(ContractError, match="column 'cell_id' is float64, expected int64"):
        write_table(tmp_path / "s.parquet", ROWS.assign(cell_id=[1.5, 2.0]), SERIES)


def test_a_mistyped_file_is_refused_on_read(tmp_path):
    path = tmp_path / "s.parquet"
    write_table(path, ROWS.assign(cell_id=["a", "b"]), MISTYPED)
    with pytest.raises(ContractError, match="column 'cell_id' is str, expected int64; rerun"):
        read_table(path, SERIES)


@pytest.mark.parametrize("name", TABLES)
def test_every_contract_takes_an_empty_table(tmp_path, name):
    write_table(tmp_path / "t.parquet", empty_table(TABLES[name]), TABLES[name])
    assert list(read_table(tmp_path / "t.parquet", TABLES[name]).columns) == list(TABLES[name].columns)


def test_a_failed_write_leaves_the_old_file_whole(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), written_whole(path) as partial:
        partial.write_text("ne")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_columns_that_a_table_may_lack_are_kept_and_not_asked_for(tmp_path):
    old, new = tmp_path / "old.parquet", tmp_path / "new.parquet"
    looks = {"speed_um_per_h": [1.0, 2.0], "area_um2": [3.0, 4.0]}
    write_table(old, ROWS, SERIES)
    write_table(new, ROWS.assign(**looks), SERIES)
    pd.testing.assert_frame_equal(read_table(old, SERIES), ROWS)
    assert list(read_table(new, SERIES).columns) == [*ROWS.columns, "area_um2", "speed_um_per_h"]
    assert pq.read_schema(new).field("speed_um_per_h").metadata[b"unit"] == b"um/h"
    pd.testing.assert_frame_equal(read_tables([old, new], SERIES), pd.concat([ROWS, ROWS], ignore_index=True))
    asked = read_tables([new], SERIES, columns=["cell_id", "area_um2"])
    assert asked["area_um2"].tolist() == [3.0, 4.0]
    with pytest.raises(ContractError, match=r"has no \['area_um2'\], expected them .* rerun the stage"):
        read_tables([new, old], SERIES, columns=["cell_id", "area_um2"])


def test_a_column_that_a_table_may_lack_has_its_type_all_the_same(tmp_path):
    with pytest.raises(ContractError, match="column 'area_um2' is .*, expected float64"):
        write_table(tmp_path / "s.parquet", ROWS.assign(area_um2="wide"), SERIES)
    counted = {"area_um2": replace(SERIES.optional["area_um2"], dtype="int64")}
    write_table(tmp_path / "t.parquet", ROWS.assign(area_um2=[1, 2]), replace(SERIES, optional=counted))
    with pytest.raises(ContractError, match="column 'area_um2' is int64, expected float64"):
        read_table(tmp_path / "t.parquet", SERIES)
    with pytest.raises(ContractError, match=r"extra \['colour'\]"):
        write_table(tmp_path / "u.parquet", ROWS.assign(colour="red"), SERIES)
