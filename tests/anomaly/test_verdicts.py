from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest

from lensfree.anomaly.verdicts import (
    ASKED,
    COLUMNS,
    FOUND,
    VERDICTS,
    check_verdicts,
    precision_of,
    with_room_for_verdicts,
)


def filled(verdicts: list[object], is_flagged: list[object] | None = None) -> pd.DataFrame:
    flags = [True] * len(verdicts) if is_flagged is None else is_flagged
    return pd.DataFrame({"series_id": range(len(verdicts)), "is_flagged": flags, "verdict": verdicts})


def found(n: int) -> pd.DataFrame:
    return pd.DataFrame({name: np.arange(n) for name in FOUND})


def test_the_table_to_fill_in_has_what_was_found_and_two_empty_columns():
    table = with_room_for_verdicts(found(3).assign(other=1))
    assert tuple(table.columns) == COLUMNS == (*FOUND, "verdict", "comment")
    assert (table[list(ASKED)] == "").all(axis=None)
    assert with_room_for_verdicts(found(0)).empty


def test_a_table_without_a_column_is_refused_by_its_name():
    with pytest.raises(ValueError, match=r"lacks kind, evidence \(it has rank, .*copy of flags\.csv"):
        with_room_for_verdicts(found(2).drop(columns=["kind", "evidence"]))
    with pytest.raises(ValueError, match=r"lacks verdict \(it has series_id, is_flagged\)"):
        check_verdicts(filled(["both"]).drop(columns="verdict"))


def test_a_table_that_went_through_a_file_reads_as_it_was_written():
    table = with_room_for_verdicts(found(3).assign(is_flagged=[True, False, True]))
    table.loc[0, "verdict"] = "acquisition"
    text = io.StringIO(table.to_csv(index=False))
    read = check_verdicts(pd.read_csv(text))
    assert read["verdict"].tolist() == ["acquisition", "", ""]
    assert read["is_flagged"].tolist() == [True, False, True]


def test_nobody_has_looked_at_a_table_of_empty_cells():
    read = check_verdicts(pd.read_csv(io.StringIO(filled(["", ""]).to_csv(index=False))))
    assert read["verdict"].tolist() == ["", ""]


def test_spelling_by_hand_is_put_right():
    written = [" Biological", "ACQUISITION ", "False positive", "false-positive", "both", None, np.nan, "  "]
    expected = ["biological", "acquisition", "false_positive", "false_positive", "both", "", "", ""]
    assert check_verdicts(filled(written))["verdict"].tolist() == expected


def test_other_columns_and_the_given_table_stay_as_they_are():
    table = filled([" Both"]).assign(seen_by="A. B.")
    assert check_verdicts(table)["seen_by"].tolist() == ["A. B."]
    assert table["verdict"].tolist() == [" Both"]


def test_an_unknown_verdict_is_named_with_its_series_and_what_is_allowed():
    words = ", ".join(VERDICTS)
    with pytest.raises(ValueError, match=rf"series 1: verdict 'Dead\?', expected one of {words}.*2 of 3"):
        check_verdicts(filled(["both", "Dead?", "x"]))


def test_a_flag_that_is_neither_true_nor_false_is_named():
    with pytest.raises(ValueError, match=r"series 1: is_flagged 'maybe', expected True or False"):
        check_verdicts(filled(["both", "both"], [True, "maybe"]))


def test_flags_may_be_written_as_a_spreadsheet_writes_them():
    flags = check_verdicts(filled(["", "", "", ""], ["TRUE", "false", 1, 0]))["is_flagged"]
    assert flags.tolist() == [True, False, True, False]
    assert flags.dtype == bool


def test_the_precision_is_the_share_that_is_no_false_positive_among_those_looked_at():
    verdicts = ["biological", "acquisition", "both", "biological", "false_positive", "", None]
    precision, counts = precision_of(filled(verdicts))
    assert precision == pytest.approx(4 / 5)
    assert counts == {"biological": 2, "acquisition": 1, "both": 1, "false_positive": 1, "": 2}


def test_rows_that_are_not_flagged_do_not_count():
    verdicts = ["biological", "false_positive", "false_positive", ""]
    precision, counts = precision_of(filled(verdicts, [True, False, False, False]))
    assert precision == 1
    assert sum(counts.values()) == 1


def test_the_precision_of_what_nobody_looked_at_is_not_a_number():
    for verdicts in ([], ["", np.nan]):
        precision, counts = precision_of(filled(verdicts))
        assert np.isnan(precision)
        assert counts[""] == len(verdicts)


def test_the_precision_of_an_unknown_verdict_is_refused():
    with pytest.raises(ValueError, match="verdict 'death'"):
        precision_of(filled(["death"]))
