from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lensfree.anomaly.verdicts import COLUMNS, FOUND, VERDICTS, check_verdicts, precision_of
from lensfree.contracts import SCORES, SERIES, TRACKS, WINDOWS, ContractError
from lensfree.io.tables import empty_table, write_table
from lensfree.report.flags import flag_rows
from lensfree.stages import flags


def rows_of(tables, count: int, **changes) -> pd.DataFrame:
    given = {name: getattr(tables, name) for name in ("scores", "windows", "series", "tracks")}
    return flag_rows(**{**given, **changes}, n_highest=count, score=tables.score)


def run(paths, out, count: int, score, **changes) -> pd.DataFrame:
    given = {name: getattr(paths, name) for name in ("tracks", "series", "windows", "scores")}
    flags.run(**{**given, **changes}, out=out, n_highest=count, score=score)
    return pd.read_csv(out)


def test_every_flagged_series_and_the_first_of_the_ranking_have_a_row(surprised):
    assert rows_of(surprised, 1)["series_id"].tolist() == [1, 2]
    assert rows_of(surprised, 99)["series_id"].tolist() == [1, 2, 0]
    assert rows_of(surprised, 99)["rank"].tolist() == [1, 2, 3]


def test_a_flagged_series_far_down_the_ranking_has_a_row_and_keeps_its_rank(surprised):
    scores = surprised.scores.assign(is_flagged=surprised.scores["series_id"] == 0)
    rows = rows_of(surprised, 1, scores=scores)
    assert rows[["rank", "series_id", "is_flagged"]].to_numpy().tolist() == [[1, 1, False], [3, 0, True]]


def test_a_row_says_where_it_began_and_why(surprised):
    row = rows_of(surprised, 1).iloc[1]
    assert (row["cell_id"], row["frame"]) == (3, 121)
    assert row["time_h"] == pytest.approx(121 / 6)
    assert (row["y_um"], row["x_um"]) == (85.0, 100.0)
    assert (row["kind"], row["is_acquisition"]) == ("swap", True)
    assert row["normal_share"] == 0.0031
    assert row["evidence"] == "from 20.1 h on it is another cell"


def test_without_an_onset_the_most_unusual_hour_is_given(surprised):
    row = rows_of(surprised, 3).iloc[2]
    # All windows of series 0 surprise alike: the first, from 0 h to 29 h 50 min.
    assert row["time_h"] == pytest.approx(14 + 11 / 12, abs=1 / 12 + 1e-9)
    assert row["cell_id"] == 0


def test_a_series_whose_cells_are_not_in_the_tracks_has_no_place_and_stays(surprised):
    rows = rows_of(surprised, 1, tracks=surprised.tracks.iloc[:0])
    assert len(rows) == 2
    assert rows[["cell_id", "frame", "time_h", "y_um", "x_um"]].isna().all(axis=None)


def test_the_file_has_the_columns_of_the_table_of_verdicts_and_can_be_filled_in(
    surprised_files, surprised, tmp_path
):
    out = tmp_path / "flags.csv"
    table = run(surprised_files, out, 3, surprised.score)
    assert tuple(table.columns) == COLUMNS
    assert table["verdict"].isna().all()
    assert table["rank"].tolist() == [1, 2, 3]
    table["verdict"] = ["biological", "false_positive", "acquisition"]
    table.to_csv(tmp_path / "filled.csv", index=False)
    precision, counts = precision_of(pd.read_csv(tmp_path / "filled.csv"))
    assert (precision, sum(counts.values())) == (0.5, 2)
    assert set(counts) == {*VERDICTS, ""}
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("filled.csv", "flags.csv", "flags.csv-metadata.json")
    ]


def test_the_file_keeps_numbers_and_whole_numbers(surprised_files, surprised, tmp_path):
    table = run(surprised_files, tmp_path / "flags.csv", 3, surprised.score)
    expected = rows_of(surprised, 3)[list(FOUND)].reset_index(drop=True)
    for name in FOUND:
        if pd.api.types.is_float_dtype(expected[name]):
            np.testing.assert_allclose(table[name], expected[name], rtol=5e-6)
        else:
            assert table[name].tolist() == expected[name].tolist(), name
    assert "121," in (tmp_path / "flags.csv").read_text(encoding="utf-8")


def test_a_series_without_a_place_leaves_its_cells_of_the_file_empty(surprised_files, surprised, tmp_path):
    empty = tmp_path / "tracks.parquet"
    write_table(empty, empty_table(TRACKS), TRACKS)
    table = run(surprised_files, tmp_path / "flags.csv", 1, surprised.score, tracks=empty)
    assert table[["cell_id", "frame", "y_um"]].isna().all(axis=None)
    assert check_verdicts(table)["verdict"].tolist() == ["", ""]


def test_the_published_method_has_rows_without_surprise(files, world, tmp_path):
    table = run(files, tmp_path / "flags.csv", 2, world.score)
    assert table["series_id"].tolist() == [1, 0]
    assert table[["surprise", "normal_share"]].isna().all(axis=None)
    assert table["anomaly_score"].tolist() == pytest.approx([17 / 37, 0.0], rel=1e-5)


def test_nothing_scored_is_a_file_with_a_header_alone(tmp_path, world):
    contracts = {"tracks": TRACKS, "series": SERIES, "windows": WINDOWS, "scores": SCORES}
    for name, contract in contracts.items():
        write_table(tmp_path / f"{name}.parquet", empty_table(contract), contract)
    paths = {name: tmp_path / f"{name}.parquet" for name in contracts}
    flags.run(**paths, out=tmp_path / "flags.csv", n_highest=12, score=world.score)
    assert (tmp_path / "flags.csv").read_text(encoding="utf-8").splitlines() == [",".join(COLUMNS)]


def test_a_table_that_breaks_its_contract_leaves_no_file(surprised_files, surprised, tmp_path):
    with pytest.raises(ContractError, match=r"windows.parquet: table 'scores' expected columns"):
        run(surprised_files, tmp_path / "flags.csv", 1, surprised.score, scores=surprised_files.windows)
    assert not (tmp_path / "flags.csv").exists()
