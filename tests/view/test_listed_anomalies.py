"""Which histories are listed, where each is to be looked at, and which cells are marked from when on."""

import numpy as np
import pandas as pd
import pytest
from viewed import ONSET_H, WORST_START_H, the_tracks

from lensfree.contracts import SCORES
from lensfree.io.tables import read_provenance, read_table, write_table
from lensfree.report import style
from lensfree.view import anomalies
from lensfree.view.anomalies import COLOURS, FLAGGED, NORMAL, SUSPECTED, SYMBOLS, config_of, list_anomalies
from lensfree.view.present import find_acquisition


@pytest.fixture
def tables(results):
    return find_acquisition(results, "scored").tables


def test_histories_are_listed_by_rank_with_their_mark(tables):
    rows, _ = list_anomalies(tables, the_tracks())
    assert rows[["rank", "series_id", "mark"]].to_numpy().tolist() == [
        [1, 5, FLAGGED],
        [2, 6, SUSPECTED],
        [3, 7, NORMAL],
    ]
    assert rows["what"].tolist() == ["grew slowly", "tracking swapped to another cell", "cause unclear"]


def test_a_row_leads_to_the_cell_at_its_onset(tables):
    first = list_anomalies(tables, the_tracks())[0].iloc[0]
    assert (first["cell_id"], first["frame"]) == (3, 100)
    assert first["time_h"] == pytest.approx(ONSET_H)
    there = the_tracks().query("cell_id == 3 and frame == 100").iloc[0]
    assert (first["y_um"], first["x_um"]) == (there["y_um"], there["x_um"])


def test_without_onset_it_leads_to_the_middle_of_the_most_surprising_window(tables):
    """Windows of 42 points of 10 min, as the table of scores says that they were made."""
    second = list_anomalies(tables, the_tracks())[0].iloc[1]
    assert second["time_h"] == pytest.approx(WORST_START_H + 41 / 6 / 2, abs=1 / 12)
    assert config_of(tables["scores"])["input_points"] == 30


def test_cells_are_marked_from_the_onset_on(tables):
    marked = list_anomalies(tables, the_tracks())[1]
    flagged = marked[marked["mark"] == FLAGGED]
    assert flagged["cell_id"].unique().tolist() == [3]
    assert flagged["frame"].tolist() == list(range(100, 120))
    assert (flagged["rank"] == 1).all()


def test_a_history_without_onset_is_marked_whole_and_no_row_twice(tables):
    marked = list_anomalies(tables, the_tracks())[1]
    suspected = marked[marked["mark"] == SUSPECTED]
    assert sorted(suspected["cell_id"].unique()) == [0, 1, 4]
    assert len(suspected) == the_tracks()["cell_id"].isin([0, 1, 4]).sum()
    assert not marked.duplicated(["cell_id", "frame"]).any()
    assert (2 not in set(marked["cell_id"])) and ((marked["rank"] == 3).sum() == 0)


def test_all_flagged_histories_are_listed_and_others_up_to_a_limit(tables, monkeypatch):
    monkeypatch.setattr(anomalies, "N_LISTED", 1)
    rows, _ = list_anomalies(tables, the_tracks())
    assert rows["rank"].tolist() == [1, 2]


def test_nothing_flagged_is_nothing_marked(tables, tmp_path):
    scores = read_table(tables["scores"], SCORES).assign(is_flagged=False)
    path = tmp_path / "scores.parquet"
    write_table(path, scores, SCORES, provenance=read_provenance(tables["scores"]))
    rows, marked = list_anomalies({**tables, "scores": path}, the_tracks())
    assert (rows["mark"] == NORMAL).all()
    assert marked.empty and {"rank", "mark"} <= set(marked)


def test_a_history_whose_cells_are_not_in_the_tracks_has_no_place(tables):
    tracks = the_tracks()
    rows, _ = list_anomalies(tables, tracks[~tracks["cell_id"].isin([0, 2])])
    assert pd.isna(rows.iloc[2]["frame"])
    assert np.isnan(rows.iloc[2]["y_um"])


def test_marks_differ_in_colour_and_shape_for_colour_blind_readers():
    assert (COLOURS[FLAGGED], COLOURS[SUSPECTED]) == (style.ORANGE, style.SKY)
    assert len(set(COLOURS.values())) == 3
    assert len(set(SYMBOLS.values())) == 2
