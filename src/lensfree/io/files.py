"""Whole files and folders or none: write under a temporary name, then rename."""

from __future__ import annotations

import errno
import glob
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lensfree import seals
from lensfree.contracts import CONTRACT_VERSION, ContractError

_LEFT_OVER = re.compile(r".*\.\d+\.(partial|old)")
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def check_version(path: Path, got: object) -> None:
    """Refuse a file of another version of the formats.

    Raises:
        ContractError: saying which it is and what to do.
    """
    if got is None or str(got) != str(CONTRACT_VERSION):
        raise ContractError(
            f"{path}: the file is of version {'unknown' if got is None else got} of the formats, expected "
            f"{CONTRACT_VERSION}; delete it and run the same command again"
        )


@contextmanager
def written_whole(path: Path, *, sealed: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` if the block ends well.

    A killed or failed job leaves no half file under the final name. The data reach the disk before
    the name does, so that a power cut cannot leave an empty file either.

    Args:
        path: the file.
        sealed: whether the block leaves a blank seal in the file, for its checksum (see `seals`).

    Raises:
        OSError: naming `path`, if there is no room for it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    _clear_left_over(path)
    try:
        yield partial
        if sealed:
            seals.seal(partial)
        with open(partial, "rb+") as handle:
            os.fsync(handle.fileno())
        os.replace(partial, path)
    except (OSError, RuntimeError) as error:
        why = _why_full(error)
        if why:
            raise OSError(
                f"{path}: the file cannot be written ({why}); make room and run the same command again"
            ) from error
        raise
    finally:
        partial.unlink(missing_ok=True)


def _why_full(error: Exception) -> str:
    """Return what the system says about a full disk or quota, however a library hands it on; else nothing."""
    for number in _FULL:
        why = os.strerror(number)
        if getattr(error, "errno", None) == number or why in str(error):
            return why
    return ""


@contextmanager
def folder_written_whole(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` for the block to make a folder at; rename it if the block ends well.

    What stood at `path` before, a folder or a file, is removed only after that. A killed or failed job
    leaves the old folder, or none.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    old = path.with_name(f".{path.name}.{os.getpid()}.old")
    _clear_left_over(path)
    try:
        yield partial
        for file in partial.rglob("*"):
            if file.is_file():
                with open(file, "rb+") as handle:
                    os.fsync(handle.fileno())
        # A folder that is not empty cannot be replaced in one step: for a moment there is none.
        if path.exists():
            os.replace(path, old)
        try:
            os.replace(partial, path)
        except OSError:
            if old.exists():
                os.replace(old, path)
            raise
    finally:
        _remove(partial)
        _remove(old)


def _clear_left_over(path: Path) -> None:
    """Remove what killed jobs left of the same file: no two jobs write it at once."""
    for old in path.parent.glob(f".{glob.escape(path.name)}.*"):
        if _LEFT_OVER.fullmatch(old.name):
            _remove(old)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
