"""The reference pages of settings and of files, as Markdown; `generate` writes them into docs/reference."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from lensfree.acquisitions import OPTIONAL, OVERRIDABLE, REQUIRED, Acquisition
from lensfree.config import Config
from lensfree.contracts import TABLES, Column, StackContract, TableContract
from lensfree.contracts_report import FIGURE_TABLES, FLAGS
from lensfree.reference_words import ATTRIBUTES, DATASETS, OF_PAGES, STACKS, WHERE

_BOUNDS = {"exclusiveMinimum": "> {}", "minimum": ">= {}", "exclusiveMaximum": "< {}", "maximum": "<= {}"}
_TYPES = {
    **{"number": "number", "integer": "whole number", "string": "text", "boolean": "true, false"},
    "array": "list",
}
_HEAD = ("column", "type", "unit", "meaning")
_UNIT = re.compile(r"\s*\[([^\[\]]+)\]$")
_IN_DOCSTRING = re.compile(r"^ {8}(\w+): (.*(?:\n {12}.*)*)", re.MULTILINE)

CONFIGURATION = """\
# Every setting

Written from `src/lensfree/config.py` by `make config`; do not edit. Values are changed in `config.yaml`, or
in a copy of the lines that differ: `snakemake --configfile mine.yaml`. A key that does not exist is an
error, not ignored. One acquisition can differ from the rest by a column of the sheet, `section.setting`, in
these sections: {overridable}.
"""
FILES = """\
# Every file

Written from `src/lensfree/contracts.py` and `contracts_report.py` by `make config`; do not edit. Paths are
below the folder of results. `{acquisition}` is the name in the sheet, `{chunk}` four digits: the number of
a run of frames (`frames_per_chunk`). A file that does not hold what stands here is refused by name. How to
read them: [how-to](../howto/read_the_tables.md).

Unit 1 means that a number has no unit. Positions are in um from the centre of the pixel at the top left.
Missing numbers are NaN in Parquet and HDF5, empty in CSV.

Every Parquet column has its `unit` and `meaning` in its field metadata; every file says in its metadata by
what it was made (`provenance`) and carries its checksum (`seal`).

Files for other programs and for people say how they were made, too: a CSV file in the JSON beside it, which
also has type, unit and meaning of every column (`tracks.csv-metadata.json`, or `csv-metadata.json` for a
folder of them, as the W3C's "CSV on the Web" names them; `dc:provenance`), a page in its element
`<meta name="provenance">`, a picture in the PNG text `Description`, TrackMate's XML in the last line of its
log, GEFF under `extra`, label images beside `labels.csv`, OME-TIFF and OME-Zarr in their description.

`{acquisition}/raw/{chunk}.json` and `raw/background.json` hold size in bytes, time of the last change in ns
and SHA-256 of every raw file as a job read it. Only planning reads them: a file that was touched or copied
since is compared with them, so that it reruns nothing.
"""
STACKS_WORDS = """\
## Stacks (HDF5)

Every dataset has the attributes `unit` and `axes`; `opd_nm` and `absorption` have `scale_factor` too, the
value that a stored 1 stands for. Every file has the attributes `contract`, `contract_version`,
`first_frame`, `pixel_pitch_um` and `provenance` (JSON).
"""
PAGES_WORDS = """\
## Tables behind the figures

Each is there twice, as Parquet and as CSV.
"""
FLAGS_WORDS = """\
## `{acquisition}/flags.csv`

Written by `flags`. Flagged histories and the first of the ranking, for your verdict.
"""
EXPORT_WORDS = """\
## `{acquisition}/export/tracks.csv`

Written by `export`. The table `tracks` as CSV: the same columns in the same order, one header row, UTF-8,
`.` as decimal mark.
"""


def configuration_page() -> str:
    """Return the page with every setting: its default, unit, allowed values and meaning."""
    parts = [CONFIGURATION.format(overridable=", ".join(OVERRIDABLE)), *_sheet()]
    top = [name for name in Config.model_fields if not isinstance(_default(Config, name), BaseModel)]
    parts.append("## Of the whole run\n\n" + _settings(Config, top))
    for name in Config.model_fields:
        section = _default(Config, name)
        if isinstance(section, BaseModel):
            model = type(section)
            title = (model.__doc__ or "").strip().split("\n")[0]
            parts.append(f"## `{name}`\n\n{title}\n\n" + _settings(model, model.model_fields))
    return "\n".join(parts)


def files_page() -> str:
    """Return the page with every column of every table and every dataset of every stack."""
    parts = [FILES, *map(_table, TABLES.values())]
    parts.append(FLAGS_WORDS + "\n" + _rows(_HEAD, _columns(FLAGS.columns)))
    parts += [EXPORT_WORDS, STACKS_WORDS, *map(_stack, STACKS), PAGES_WORDS]
    parts += [_table(contract, 3) for contract in FIGURE_TABLES.values()]
    return "\n".join(parts)


def where(contract: TableContract | StackContract) -> tuple[str, str]:
    """Return the file of a contract below the folder of results, and the stage that writes it."""
    if contract.name in WHERE:
        return WHERE[contract.name]
    page = OF_PAGES.get(contract.name, "report")
    folder = "compare" if page == "compare" else "{acquisition}/report"
    return f"{folder}/{contract.name}.parquet", page


def allowed(schema: Mapping[str, Any]) -> str:
    """Return in words what a JSON schema lets a value be."""
    if "anyOf" in schema:
        return " or ".join(allowed(one) for one in schema["anyOf"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    words = _TYPES[schema["type"]]
    inner = schema.get("items") or next(iter(schema.get("prefixItems", ())), None)
    if inner:
        count = schema.get("maxItems")
        words = f"{count} of: {allowed(inner)}" if count else f"list of: {allowed(inner)}"
    bounds = [text.format(f"{schema[key]:g}") for key, text in _BOUNDS.items() if key in schema]
    return " ".join([words, *bounds])


def _sheet() -> Iterator[str]:
    said = {name: " ".join(text.split()) for name, text in _IN_DOCSTRING.findall(Acquisition.__doc__ or "")}
    rows = (
        (f"`{name}`", "must be there" if name in REQUIRED else "may be left out", said[name])
        for name in (*REQUIRED, *OPTIONAL)
    )
    yield "## Columns of the sheet of acquisitions\n\n" + _rows(("column", "header", "meaning"), rows)


def _settings(model: type[BaseModel], names: Iterable[str]) -> str:
    properties = model.model_json_schema()["properties"]
    rows = []
    for name in names:
        words = model.model_fields[name].description or ""
        unit = _UNIT.search(words)
        default = f"`{json.dumps(_default(model, name))}`"
        rows.append(
            (f"`{name}`", default, unit[1] if unit else "", allowed(properties[name]), _UNIT.sub("", words))
        )
    return _rows(("setting", "default", "unit", "allowed", "meaning"), rows)


def _table(contract: TableContract, depth: int = 2) -> str:
    path, stage = where(contract)
    columns = [*_columns(contract.columns), *_columns(contract.optional, "optional: ")]
    return f"{'#' * depth} `{path}`\n\nWritten by `{stage}`.\n\n" + _rows(_HEAD, columns)


def _columns(columns: Mapping[str, Column], before: str = "") -> Iterator[tuple[str, ...]]:
    for name, column in columns.items():
        yield f"`{name}`", column.dtype, column.unit, before + column.meaning


def _stack(contract: StackContract) -> str:
    path, stage = where(contract)
    datasets = (
        (
            *(f"`{name}`", ", ".join(one.axes), " or ".join(one.dtypes), one.unit),
            DATASETS[contract.name][name],
        )
        for name, one in contract.datasets.items()
    )
    attributes = ((f"`{name}`", ATTRIBUTES[name]) for name in contract.attributes)
    return (
        f"### `{path}`\n\nWritten by {stage}.\n\n"
        + _rows(("dataset", "axes", "type", "unit", "meaning"), datasets)
        + "\n"
        + _rows(("attribute", "meaning"), attributes)
    )


def _default(model: type[BaseModel], name: str) -> Any:
    return model.model_fields[name].get_default(call_default_factory=True)


def _rows(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)
