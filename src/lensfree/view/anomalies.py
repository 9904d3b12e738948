"""The ranked histories as rows to choose from, and which cells to mark from when on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lensfree.config import ScoreConfig
from lensfree.contracts import SCORES, SERIES, WINDOWS
from lensfree.io.tables import read_provenance, read_table
from lensfree.report import style
from lensfree.report.flags import flag_rows
from lensfree.report.plain_words import kind_in_words
from lensfree.report.ranking import rank_series

N_LISTED = 200
"""Histories in the table beside those that are flagged."""

NORMAL, FLAGGED, SUSPECTED = 0, 1, 2
"""What a cell is marked as: nothing, flagged, flagged as a suspected error of the measurement."""

WORDS = {NORMAL: "", FLAGGED: "flagged", SUSPECTED: "error?"}

COLOURS = {NORMAL: style.MISSING, FLAGGED: style.ORANGE, SUSPECTED: style.SKY}
"""Grey, and orange and sky blue of Okabe and Ito, which colour-blind readers tell apart."""

SYMBOLS = {FLAGGED: "disc", SUSPECTED: "square"}
"""Shapes that say the same as the colours."""


def list_anomalies(tables: Mapping[str, Path], tracks: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the table of ranked histories and the rows of tracks to mark.

    Args:
        tables: files of `series`, `windows` and `scores`.
        tracks: the tracks table.

    Returns:
        The flagged histories and the first `N_LISTED` by rank: `rank, series_id, mark, what, is_flagged,
        surprise, normal_share, anomaly_score, evidence, cell_id, frame, time_h, y_um, x_um`, place and time
        at the onset, or at the most unusual hour where none is known. And per flagged history the rows of
        tracks of its cells from the onset on, all of them where it has none, with `rank` and `mark`: a mother
        is not marked for what her daughter does.

    Raises:
        ContractError: if a file is not what its contract says.
    """
    scores, windows = read_table(tables["scores"], SCORES), read_table(tables["windows"], WINDOWS)
    ranked = rank_series(scores, windows)
    # Flagged histories are the first of the ranking under either method.
    asked = ranked.head(max(N_LISTED, int(ranked["is_flagged"].sum())))
    series = _of(read_table(tables["series"], SERIES), asked)
    of_asked = tracks[tracks["cell_id"].isin(series["cell_id"].unique())]
    rows = flag_rows(
        _of(scores, asked),
        _of(windows, asked),
        series,
        of_asked,
        n_highest=len(asked),
        score=ScoreConfig.model_validate(config_of(tables["scores"])),
    )
    is_suspected = rows["is_acquisition"].to_numpy(dtype=bool)
    mark = np.where(
        ~rows["is_flagged"].to_numpy(dtype=bool), NORMAL, np.where(is_suspected, SUSPECTED, FLAGGED)
    )
    rows = rows.assign(mark=mark, what=[kind_in_words(kind) for kind in rows["kind"]])
    onset_h = asked.set_index("series_id")["onset_h"]
    return rows, _rows_to_mark(rows[rows["mark"] != NORMAL], onset_h, series, of_asked)


def no_marks(tracks: pd.DataFrame) -> pd.DataFrame:
    """Return the table of rows to mark where none is."""
    return tracks.iloc[:0].assign(rank=0, mark=NORMAL)


def config_of(path: Path) -> dict[str, Any]:
    """Return the section of the configuration that a table was made with; empty if it does not say."""
    return dict(read_provenance(path).get("config", {}))


def _of(table: pd.DataFrame, asked: pd.DataFrame) -> pd.DataFrame:
    return table[table["series_id"].isin(asked["series_id"])].reset_index(drop=True)


def _rows_to_mark(
    marked: pd.DataFrame, onset_h: pd.Series, series: pd.DataFrame, tracks: pd.DataFrame
) -> pd.DataFrame:
    cells_of = series.groupby("series_id")["cell_id"].unique()
    parts = [no_marks(tracks)]
    for rank, name, mark in marked[["rank", "series_id", "mark"]].itertuples(index=False):
        since_h = onset_h.loc[name]
        is_wrong = tracks["cell_id"].isin(cells_of.loc[name])
        if np.isfinite(since_h):
            is_wrong &= tracks["time_h"] >= since_h - 1e-6
        parts.append(tracks[is_wrong].assign(rank=rank, mark=mark))
    # A cell of two histories is marked for the better ranked one.
    return pd.concat(parts, ignore_index=True).drop_duplicates(["cell_id", "frame"], ignore_index=True)
