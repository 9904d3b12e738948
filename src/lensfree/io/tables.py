"""Parquet tables that keep their contract: columns, types and units.

The checksum stands in the metadata of the footer and covers the whole file, footer included.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from lensfree.contracts import CONTRACT_VERSION, ContractError, TableContract
from lensfree.io.files import check_version, written_whole
from lensfree.io.limits import FREE_TABLE_ROWS, MAX_TABLE_ROWS_PER_BYTE
from lensfree.seals import BLANK, REMEDY, check_seal


def write_table(
    path: Path, table: pd.DataFrame, contract: TableContract, *, provenance: Mapping[str, Any] | None = None
) -> None:
    """Write a table under its contract.

    Columns are put in the contract's order and cast to its types when that loses nothing; optional ones are
    written if the table has them.

    Args:
        path: the Parquet file.
        table: one row per record.
        contract: columns, types and units.
        provenance: plain values that explain the result (config section, code digest).

    Raises:
        ContractError: if a column is missing, extra, or cannot take its type.
    """
    optional = {name: column for name, column in contract.optional.items() if name in table.columns}
    kept = replace(contract, columns={**contract.columns, **optional}, optional={})
    with table_in_parts(path, kept, provenance=provenance) as add:
        add(table)


@contextmanager
def table_in_parts(
    path: Path, contract: TableContract, *, provenance: Mapping[str, Any] | None = None
) -> Iterator[Callable[[pd.DataFrame], None]]:
    """Yield what adds rows to a table, which is there whole when the block ends well, and not at all else.

    Args:
        path: the Parquet file.
        contract: columns, types and units; rows with optional columns are refused.
        provenance: plain values that explain the result.

    Raises:
        ContractError: by what is yielded, if a column is missing, extra, or cannot take its type.
    """
    columns = contract.columns.items()
    fields = [
        pa.field(name, _arrow_type(column.dtype), metadata={"unit": column.unit, "meaning": column.meaning})
        for name, column in columns
    ]
    metadata = {
        "contract": contract.name,
        "contract_version": str(CONTRACT_VERSION),
        "provenance": json.dumps(dict(provenance or {}), sort_keys=True),
        "seal": BLANK,
    }
    schema = pa.schema(fields, metadata=metadata)
    checksum = {"write_page_checksum": True}  # for other readers; ours checks the whole file
    with (
        written_whole(path, sealed=True) as partial,
        pq.ParquetWriter(partial, schema, compression="zstd", **checksum) as writer,
    ):

        def add(rows: pd.DataFrame) -> None:
            _check_names(path, list(rows.columns), contract)
            arrays = [_cast(path, rows[name], name, column.dtype) for name, column in columns]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))

        yield add


def read_table(path: Path, contract: TableContract) -> pd.DataFrame:
    """Read a table, with the optional columns that it has, and check it against its contract.

    Raises:
        ContractError: if the file is not what the contract says.
    """
    return _read(path, contract, None).to_pandas()


def read_tables(
    paths: Sequence[Path], contract: TableContract, *, columns: Sequence[str] | None = None
) -> pd.DataFrame:
    """Read several files of one contract, such as the chunks of an acquisition, one below the other.

    Args:
        paths: the Parquet files, one or more.
        contract: what each must hold.
        columns: those that are read; all that the contract requires if not given.

    Raises:
        ContractError: if a file is not what the contract says.
    """
    names = list(columns or contract.columns)
    parts = pa.concat_tables([_read(path, contract, names) for path in paths], promote_options="permissive")
    table = parts.to_pandas(split_blocks=True, self_destruct=True)  # millions of rows are not held twice
    del parts
    pa.default_memory_pool().release_unused()
    return table


def read_parts(
    path: Path, contract: TableContract, *, rows: int, columns: Sequence[str] | None = None
) -> Iterator[pd.DataFrame]:
    """Yield a table in parts of at most so many rows, for what need not be held whole.

    Args:
        path: the Parquet file.
        contract: what it must hold.
        rows: of a part.
        columns: those that are read; all that the contract requires if not given.

    Raises:
        ContractError: if the file is not what the contract says.
    """
    names = _checked(path, contract, list(columns or contract.columns))
    with _named(path), pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=rows, columns=names):
            yield batch.to_pandas()


def _read(path: Path, contract: TableContract, names: list[str] | None) -> pa.Table:
    """Return columns, all that it has if not given, of a file that is whole and whose contract is kept."""
    names = _checked(path, contract, names)
    with _named(path):
        # Nothing but the file itself: no columns out of the names of folders.
        return pq.ParquetFile(path).read(columns=names)


def _checked(path: Path, contract: TableContract, names: list[str] | None) -> list[str]:
    """Return the columns to read, all that it has if not given, of a file whose contract is kept."""
    check_seal(path)
    with _named(path):
        metadata = pq.read_metadata(path)
        schema = metadata.schema.to_arrow_schema()
    check_version(
        path, (schema.metadata or {}).get(b"contract_version", b"unknown").decode("ascii", "replace")
    )
    most = FREE_TABLE_ROWS + MAX_TABLE_ROWS_PER_BYTE * path.stat().st_size
    if metadata.num_rows > most:
        raise ContractError(
            f"{path}: the file declares {metadata.num_rows} rows in {path.stat().st_size} bytes, expected at "
            f"most {most}; {REMEDY}"
        )
    _check_names(path, schema.names, contract)
    known = {**contract.columns, **contract.optional}
    names = names or [name for name in known if name in schema.names]
    lacking = [name for name in names if name not in schema.names]
    if lacking:
        raise ContractError(
            f"{path}: table '{contract.name}' has no {lacking}, expected them although it may lack "
            "them; rerun the stage that wrote it"
        )
    for name, column in ((name, column) for name, column in known.items() if name in schema.names):
        got = _type_name(schema.field(name).type)
        if got != column.dtype:
            raise ContractError(
                f"{path}: column '{name}' is {got}, expected {column.dtype}; rerun the stage that wrote it"
            )
    return names


def read_provenance(path: Path) -> dict[str, Any]:
    """Return the provenance that `write_table` stored."""
    check_seal(path)
    with _named(path):
        metadata = pq.read_schema(path).metadata or {}
    return dict(json.loads(metadata.get(b"provenance", b"{}")))


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Give the errors of the Parquet reader the name of the file."""
    try:
        yield
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ContractError(f"{path}: not a readable Parquet file ({error}); {REMEDY}") from error


def empty_table(contract: TableContract) -> pd.DataFrame:
    """Return a table without rows under the contract."""
    return pd.DataFrame(
        {name: pd.Series([], dtype=_pandas_type(column.dtype)) for name, column in contract.columns.items()}
    )


def _check_names(path: Path, got: list[str], contract: TableContract) -> None:
    missing = [name for name in contract.columns if name not in got]
    extra = [name for name in got if name not in contract.columns and name not in contract.optional]
    if missing or extra:
        raise ContractError(
            f"{path}: table '{contract.name}' expected columns {list(contract.columns)}; "
            f"missing {missing}, extra {extra}"
        )


def _cast(path: Path, values: pd.Series, name: str, dtype: str) -> pa.Array:
    wanted = _arrow_type(dtype)
    try:
        if dtype == "str" and values.dtype == "str" and not values.hasnans:
            return pa.array(values).cast(wanted)  # without an object for each of millions of rows
        return pa.array(
            values.to_numpy() if dtype != "str" else values.astype(object), from_pandas=False
        ).cast(wanted, safe=True)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
        raise ContractError(
            f"{path}: column '{name}' is {values.dtype}, expected {dtype}: {error}"
        ) from error


_ARROW = {"int32": "int32", "int64": "int64", "float64": "float64", "float32": "float32"}


def _arrow_type(dtype: str) -> pa.DataType:
    return pa.string() if dtype == "str" else pa.bool_() if dtype == "bool" else getattr(pa, _ARROW[dtype])()


def _pandas_type(dtype: str) -> str:
    return "object" if dtype == "str" else dtype


def _type_name(arrow_type: pa.DataType) -> str:
    names = {"string": "str", "large_string": "str", "double": "float64", "float": "float32"}
    return names.get(str(arrow_type), str(arrow_type))
