"""The tables behind figures, each as Parquet under its contract and as CSV for spreadsheets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from lensfree.contracts_report import FIGURE_TABLES
from lensfree.io.csv_metadata import OF_FOLDER, write_csv_metadata
from lensfree.io.files import folder_written_whole
from lensfree.io.tables import write_table


def write_figure_tables(
    folder: Path, tables: Mapping[str, pd.DataFrame], *, provenance: Mapping[str, Any] | None = None
) -> None:
    """Write a folder with `<name>.parquet` and `<name>.csv` of every table, whole or not at all.

    What the CSV files are stands in `csv-metadata.json`.

    Args:
        folder: the folder; what it held before is replaced.
        tables: name of the contract, one of `contracts_report.FIGURE_TABLES` -> its rows.
        provenance: plain values that explain the tables.

    Raises:
        ContractError: if a table does not keep its contract.
    """
    with folder_written_whole(folder) as partial:
        partial.mkdir()
        for name, table in tables.items():
            contract = FIGURE_TABLES[name]
            write_table(partial / f"{name}.parquet", table, contract, provenance=provenance)
            # Ten digits: more than any measurement has, and few enough to be read.
            ordered = table[list(contract.columns)]
            ordered.to_csv(partial / f"{name}.csv", index=False, float_format="%.10g", encoding="utf-8")
        described = {f"{name}.csv": FIGURE_TABLES[name].columns for name in tables}
        write_csv_metadata(partial / OF_FOLDER, described, provenance)
