from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from lensfree.config import ReportConfig, ScoreConfig
from lensfree.contracts import SCORES
from lensfree.io.tables import write_table
from lensfree.report.flags import flag_rows
from lensfree.report.gather import Sources, gather
from lensfree.report.page import build_page
from lensfree.report.ranking import rank_series
from lensfree.report.shared import cell_at, fold_shared

FEW = ReportConfig(montage_frames=1, anomalies=3, strip_frames=2)


def scores_with(surprised, **columns) -> pd.DataFrame:
    """Series 1 (cells 1 -> 2) and 2 (cells 1 -> 3), both wrong in their mother unless said otherwise."""
    given = {
        "kind": ["unclear", "segmentation", "segmentation"],
        "is_acquisition": [False, True, True],
        "onset_h": [np.nan, 8.0, 8.5],
        "is_flagged": [False, True, True],
        **columns,
    }
    three = surprised.scores.iloc[:3].assign(**given)
    return pd.concat([three, surprised.scores.iloc[3:]], ignore_index=True)


def folded(surprised, **columns) -> list[tuple]:
    ranked = rank_series(scores_with(surprised, **columns), surprised.windows)
    table = fold_shared(ranked, surprised.series, surprised.windows, surprised.score)
    return table[["rank", "series_id", "event_cell", "also"]].to_numpy().tolist()


def test_daughters_that_share_what_their_mother_suffered_are_one(surprised):
    assert folded(surprised) == [[1, 1, 1, ((2, 2, "segmentation"),)], [3, 0, 0, ()]]


def test_what_it_is_called_may_differ(surprised):
    (first, _) = folded(surprised, kind=["unclear", "segmentation", "swap"])
    assert first == [1, 1, 1, ((2, 2, "swap"),)]


@pytest.mark.parametrize(
    "columns",
    [
        {"onset_h": [np.nan, 20.0, 20.0]},  # in the daughters, one each
        {"onset_h": [np.nan, 8.0, 10.5]},  # in the mother, at two times
        {"is_acquisition": [False, True, False]},  # an error of the measurement and an anomaly
        {"onset_h": [np.nan, 8.0, 30.0]},
    ],
)
def test_two_events_remain_two(surprised, columns):
    assert [row[3] for row in folded(surprised, **columns)] == [(), (), ()]


def test_without_an_onset_the_most_unusual_hour_counts(surprised):
    # Series 1 is most surprised 18.25 h in, in cell 2; series 2 14.9 h in, in cell 1.
    assert [row[2] for row in folded(surprised, onset_h=[np.nan] * 3)] == [2, 1, 0]


def test_a_flag_on_any_of_them_counts(surprised):
    ranked = rank_series(scores_with(surprised, is_flagged=[False, False, True]), surprised.windows)
    table = fold_shared(ranked, surprised.series, surprised.windows, surprised.score)
    assert table["is_flagged"].tolist() == [True, False]
    assert table.dtypes[ranked.columns].equals(ranked.dtypes)


def test_nothing_ranked_stays_nothing(surprised):
    ranked = rank_series(surprised.scores, surprised.windows).head(0)
    assert len(fold_shared(ranked, surprised.series, surprised.windows, surprised.score)) == 0


def test_series_without_rows_are_kept_apart(surprised):
    ranked = rank_series(scores_with(surprised), surprised.windows)
    table = fold_shared(ranked, surprised.series.head(0), surprised.windows, surprised.score)
    assert table["event_cell"].tolist() == [-1, -1, -1]


def test_the_cell_at_a_time(surprised):
    one = surprised.series[surprised.series["series_id"] == 1]
    assert [cell_at(one, t) for t in (-5.0, 14.8, 15.0, 99.0)] == [1, 1, 2, 2]


def test_one_card_names_both(surprised, surprised_files, acquisition, tmp_path):
    path = tmp_path / "scores.parquet"
    table = scores_with(surprised, kind=["unclear", "segmentation", "swap"])
    write_table(path, table[list(SCORES.columns)], SCORES)
    sources = Sources(**{**vars(surprised_files), "scores": path})
    content, _ = gather(sources, acquisition, report=FEW, score=ScoreConfig())
    assert [(s.rank, s.series_id, s.also) for s in content.suspects] == [
        (3, 0, ()),
        (1, 1, ((2, 2, "swap"),)),
    ]
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", build_page(content)))
    assert "1. Series 1 and 2: outlined wrongly for some hours" in text
    assert (
        "One event, shown once: series 2 (rank 2, there called: tracking swapped to another cell) has the "
        "same cell in it, cell 1. Drawn is series 1." in text
    )
    assert text.count("Series 2") == 0


def test_in_the_table_of_flags_each_keeps_its_row_and_says_so(surprised):
    rows = flag_rows(
        scores_with(surprised),
        surprised.windows,
        surprised.series,
        surprised.tracks,
        n_highest=3,
        score=surprised.score,
    )
    said = dict(zip(rows["series_id"], rows["evidence"], strict=True))
    assert list(said) == [1, 2, 0]
    assert said[2].endswith("; the same event as in series 1")
    assert "same event" not in said[1] + said[0]
