"""Stage flags: scores -> the table of series that a person is asked about, for a spreadsheet."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lensfree.anomaly.verdicts import with_room_for_verdicts
from lensfree.config import ScoreConfig
from lensfree.contracts import SCORES, SERIES, TRACKS, WINDOWS
from lensfree.contracts_report import FLAGS
from lensfree.io.csv_metadata import metadata_of, write_csv_metadata
from lensfree.io.files import written_whole
from lensfree.io.tables import read_table
from lensfree.report.flags import flag_rows

logger = logging.getLogger(__name__)


def run(
    *,
    tracks: Path,
    series: Path,
    windows: Path,
    scores: Path,
    out: Path,
    n_highest: int,
    score: ScoreConfig,
    provenance: Mapping[str, Any] | None = None,
) -> None:
    """Write flags.csv: every flagged series and the first `n_highest` of the ranking, with empty verdicts.

    The file is made anew whenever the scores are: a person fills in a copy that lies elsewhere. What its
    columns are and how it was made stands in the metadata beside it.

    Raises:
        ContractError: if a file is not what its contract says.
    """
    found = flag_rows(
        read_table(scores, SCORES),
        read_table(windows, WINDOWS),
        read_table(series, SERIES),
        read_table(tracks, TRACKS),
        n_highest=n_highest,
        score=score,
    )
    table = with_room_for_verdicts(found)
    logger.info("%d series to look at, %d of them flagged", len(table), int(table["is_flagged"].sum()))
    write_csv_metadata(metadata_of(out), {out.name: FLAGS.columns}, provenance)
    with written_whole(out) as partial:
        table.to_csv(partial, index=False, float_format="%.6g")
