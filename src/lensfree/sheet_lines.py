"""The text of an acquisitions sheet, read within bounds whatever the file is."""

from __future__ import annotations

import csv
from pathlib import Path

MAX_SHEET_BYTES, MAX_COLUMNS = 1 << 24, 500


class SheetError(ValueError):
    """The sheet cannot be used; the message says where, what was got and what to do."""


def sheet_lines(path: Path) -> list[tuple[int, str]]:
    """Return the lines of a sheet that count, with their numbers.

    Raises:
        SheetError: if the file is too large, not text, or empty.
    """
    size = path.stat().st_size
    if size > MAX_SHEET_BYTES:
        raise SheetError(f"{path}: the sheet has {size} bytes, expected at most {MAX_SHEET_BYTES}")
    try:
        with open(path, encoding="utf-8-sig", newline="") as handle:
            lines = [(n, line) for n, line in enumerate(handle, start=1) if line.strip() and line[0] != "#"]
    except UnicodeDecodeError as error:
        raise SheetError(f"{path}: the sheet is not text in UTF-8 ({error}); save it as such") from error
    if not lines:
        raise SheetError(f"{path}: the sheet is empty; its first line names the columns")
    return lines


def cells_of(path: Path, number: int, line: str) -> list[str]:
    """Return the cells of a line of the sheet.

    Raises:
        SheetError: if it has too many or cannot be read.
    """
    if line.count("\t") >= MAX_COLUMNS:
        raise SheetError(f"{path}, row {number}: more than {MAX_COLUMNS} cells; is it a sheet?")
    try:
        return next(csv.reader([line.rstrip("\r\n")], delimiter="\t"))
    except csv.Error as error:
        raise SheetError(f"{path}, row {number}: cannot be read ({error}); check its quotes") from error
