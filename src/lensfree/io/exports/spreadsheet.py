"""Tracks as CSV."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from lensfree.contracts import TRACKS
from lensfree.io.csv_metadata import metadata_of, write_csv_metadata
from lensfree.io.files import written_whole


def write_csv(path: Path, cells: pd.DataFrame, provenance: Mapping[str, Any] | None = None) -> None:
    """Write one row per cell and frame, below one header row, and the metadata beside it.

    The unit of a column is the end of its name (`y_um`, `dry_mass_pg`, `time_h`), so that no second header
    row is needed and `pandas.read_csv(path)` needs no arguments; a column without such an end has no
    unit. Numbers are written with as many digits as it takes to tell them apart, so that
    pandas 3.1 reads every bit back; older ones need `float_precision="round_trip"` for the last. UTF-8,
    commas, `.` as the decimal mark, NaN as an empty cell.

    Args:
        path: the file.
        cells: the table of tracks.
        provenance: plain values that explain the result.
    """
    write_csv_metadata(metadata_of(path), {path.name: TRACKS.columns}, provenance)
    with written_whole(path) as partial:
        cells.to_csv(partial, index=False, lineterminator="\n", encoding="utf-8")
