"""The histories of an acquisition in their file, read some at a time: memory does not grow with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from lensfree.anomaly.histories import blocks, blocks_of_parts
from lensfree.contracts import SERIES
from lensfree.io.tables import read_parts, read_tables

ROWS_AT_ONCE = 200_000
"""So many points are held at a time, whole histories of course."""


class SeriesFile:
    """A file under `contracts.SERIES`.

    When it is opened series_id and dry mass of all rows are looked at, and let go.

    Args:
        path: the Parquet file.
        channels: its optional columns that are read too.

    Raises:
        ContractError: if the file is not what its contract says.
    """

    def __init__(self, path: Path, channels: Sequence[str] = ()) -> None:
        self._path = path
        self._columns = [*SERIES.columns, *channels]
        held = read_tables([path], SERIES, columns=["series_id", "dry_mass_pg"])
        ids = held["series_id"].to_numpy()
        self._n_rows = len(ids)
        self._is_in_order = bool((ids[1:] >= ids[:-1]).all())
        self.series_id = np.unique(ids)
        self.median_pg = float(held["dry_mass_pg"].median())

    def blocks(self) -> Iterator[pd.DataFrame]:
        """Yield whole histories in rising order of series_id; a file in another order is held whole."""
        if self._is_in_order:
            return blocks_of_parts(self._parts(), ROWS_AT_ONCE)
        return blocks(self.whole(), ROWS_AT_ONCE)

    def of(self, series_id: Iterable[int]) -> pd.DataFrame:
        """Return the rows of these histories."""
        wanted = np.fromiter(series_id, dtype=np.int64)
        found = [part[np.isin(part["series_id"].to_numpy(), wanted)] for part in self._parts()]
        return pd.concat(found, ignore_index=True) if found else self.whole()

    def evenly(self, rows: int) -> pd.DataFrame:
        """Return whole histories that come to about so many rows, evenly out of all, or all if they do."""
        if self._n_rows <= rows:
            return self.whole()
        step = self._n_rows / rows
        chosen = np.unique((np.arange(0, len(self.series_id), step)).astype(np.int64))
        return self.of(self.series_id[chosen])

    def whole(self) -> pd.DataFrame:
        """Return all rows."""
        return read_tables([self._path], SERIES, columns=self._columns)

    def _parts(self) -> Iterator[pd.DataFrame]:
        return read_parts(self._path, SERIES, rows=ROWS_AT_ONCE, columns=self._columns)
