"""What a CSV file cannot say of itself: types, units, meanings, and how it was made, in a file beside it.

A comment in the CSV would keep spreadsheets and `read.csv` from reading it. The W3C's "Metadata Vocabulary
for Tabular Data" (CSV on the Web) names the file `<name>.csv-metadata.json`, or `csv-metadata.json` for all
tables of a folder, and so it is found by readers that know of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lensfree.contracts import Column
from lensfree.io.files import written_whole

OF_FOLDER = "csv-metadata.json"
_CONTEXT = "http://www.w3.org/ns/csvw"
_TYPES: Mapping[str, Any] = {
    **dict.fromkeys(("float64", "float32"), "double"),
    **dict.fromkeys(("int32", "int64"), "integer"),
    "bool": {"base": "boolean", "format": "True|False"},
    "str": "string",
}


def metadata_of(csv: Path) -> Path:
    """Return where the metadata of a CSV file lie."""
    return csv.with_name(f"{csv.name}-metadata.json")


def write_csv_metadata(
    path: Path, tables: Mapping[str, Mapping[str, Column]], provenance: Mapping[str, Any] | None
) -> None:
    """Write what is known of CSV files that lie in the same folder.

    Args:
        path: `metadata_of` a CSV file, or `OF_FOLDER` in a folder.
        tables: file name -> its columns in order.
        provenance: plain values that explain the files; JSON text under `dc:provenance`.
    """
    described = [{"url": name, "tableSchema": _schema(columns)} for name, columns in tables.items()]
    content = described[0] if path.name != OF_FOLDER else {"tables": described}
    made = json.dumps(dict(provenance or {}), sort_keys=True)
    with written_whole(path) as partial:
        text = json.dumps({"@context": _CONTEXT, **content, "dc:provenance": made}, indent=1)
        partial.write_text(text + "\n", encoding="utf-8")


def read_csv_provenance(path: Path) -> dict[str, Any]:
    """Return how CSV files were made, from the file that `write_csv_metadata` wrote."""
    return dict(json.loads(json.loads(path.read_text(encoding="utf-8"))["dc:provenance"]))


def _schema(columns: Mapping[str, Column]) -> dict[str, Any]:
    return {"columns": [_described(name, column) for name, column in columns.items()]}


def _described(name: str, column: Column) -> dict[str, Any]:
    unit = {} if column.unit == "1" else {"schema:unitText": column.unit}
    return {
        "name": name,
        "titles": name,
        "datatype": _TYPES[column.dtype],
        "dc:description": column.meaning,
        **unit,
    }
