"""The file beside a CSV file: where it is, what it says, and that another package reads by it."""

import json

import numpy as np
import pandas as pd
import pytest

from lensfree.contracts import TRACKS, Column
from lensfree.contracts_report import FIGURE_TABLES, FLAGS
from lensfree.io.csv_metadata import OF_FOLDER, metadata_of, read_csv_provenance, write_csv_metadata
from lensfree.io.exports.spreadsheet import write_csv

MADE = {"rule": "export", "origin": {"version": "0.1.0", "inputs_sha256": {"a <b>.parquet": "0" * 64}}}


def test_one_table_lies_beside_its_file_under_the_standard_name(tmp_path):
    path = metadata_of(tmp_path / "tracks.csv")
    assert path == tmp_path / "tracks.csv-metadata.json"
    write_csv_metadata(path, {"tracks.csv": {"time_h": Column("float64", "h", "since frame 0")}}, MADE)
    assert json.loads(path.read_text("utf-8")) == {
        "@context": "http://www.w3.org/ns/csvw",
        "url": "tracks.csv",
        "tableSchema": {
            "columns": [
                {
                    "name": "time_h",
                    "titles": "time_h",
                    "datatype": "double",
                    "dc:description": "since frame 0",
                    "schema:unitText": "h",
                }
            ]
        },
        "dc:provenance": json.dumps(MADE, sort_keys=True),
    }
    assert read_csv_provenance(path) == MADE


def test_the_tables_of_a_folder_share_a_file(tmp_path):
    tables = {f"{name}.csv": contract.columns for name, contract in FIGURE_TABLES.items()}
    write_csv_metadata(tmp_path / OF_FOLDER, tables, MADE)
    content = json.loads((tmp_path / OF_FOLDER).read_text("utf-8"))
    assert [table["url"] for table in content["tables"]] == list(tables)
    for table in content["tables"]:
        names = [column["name"] for column in table["tableSchema"]["columns"]]
        assert names == list(tables[table["url"]])
    assert read_csv_provenance(tmp_path / OF_FOLDER) == MADE


@pytest.mark.parametrize(
    ("contract", "name", "datatype"),
    [
        (FLAGS, "is_flagged", {"base": "boolean", "format": "True|False"}),
        (FLAGS, "rank", "integer"),
        (FLAGS, "evidence", "string"),
        (TRACKS, "frame", "integer"),
        (TRACKS, "dry_mass_pg", "double"),
    ],
)
def test_a_type_is_that_of_the_standard_and_no_unit_is_not_said(tmp_path, contract, name, datatype):
    write_csv_metadata(tmp_path / "t.csv-metadata.json", {"t.csv": contract.columns}, None)
    content = json.loads((tmp_path / "t.csv-metadata.json").read_text("utf-8"))
    columns = {column["name"]: column for column in content["tableSchema"]["columns"]}
    assert columns[name]["datatype"] == datatype
    assert ("schema:unitText" in columns[name]) == (contract.columns[name].unit != "1")
    assert read_csv_provenance(tmp_path / "t.csv-metadata.json") == {}


def test_another_package_finds_and_obeys_what_lies_beside(tmp_path):
    csvw = pytest.importorskip("csvw", reason="needs the package csvw, part of the extra dev")
    of_type = {"int": [3, 4], "bool": [True, False], "str": ["a, b", 'c"'], "float": [1 / 3, np.nan]}
    rows = {name: of_type[column.dtype.rstrip("3264")] for name, column in TRACKS.columns.items()}
    write_csv(tmp_path / "tracks.csv", pd.DataFrame(rows), MADE)
    found = csvw.CSVW(str(tmp_path / "tracks.csv"))  # is given no metadata
    assert found.is_valid and json.loads(found.common_props["dc:provenance"]) == MADE
    first, second = found.tables[0]
    assert first == {name: values[0] for name, values in rows.items()}
    nothing = {name: None for name, values in rows.items() if values[1] != values[1]}
    assert second == {name: values[1] for name, values in rows.items()} | nothing
    units = {c.name: c.common_props.get("schema:unitText") for c in found.tables[0].tableSchema.columns}
    assert units["dry_mass_pg"] == "pg" and units["cell_id"] is None


def test_another_package_reads_the_tables_of_a_folder(tmp_path):
    csvw = pytest.importorskip("csvw", reason="needs the package csvw, part of the extra dev")
    columns = FIGURE_TABLES["growth"].columns
    (tmp_path / "growth.csv").write_text(",".join(columns) + "\n", encoding="utf-8")
    write_csv_metadata(tmp_path / OF_FOLDER, {"growth.csv": columns}, MADE)
    found = csvw.CSVW(str(tmp_path / OF_FOLDER))
    assert found.is_valid and [str(table.url) for table in found.tables] == ["growth.csv"]
    assert json.loads(found.common_props["dc:provenance"]) == MADE
