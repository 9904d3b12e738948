"""Seals: the SHA-256 of a file written into the file itself, so that damage anywhere in it is found.

A seal is a mark and 64 hex digits at a place that the format leaves free: before an HDF5 file, in the
metadata of a Parquet or safetensors file, at the end of text. The digest is of the whole file with zeros
in place of the digits: data, metadata, the mark and the length of the file are all covered, and whoever
reads a result may take the seal as its name. It finds accidents; whoever forges a file can seal it too.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from pathlib import Path

MARK = b"lensfree-sha256:"
BLANK = MARK + b"0" * 64
_SEAL = re.compile(re.escape(MARK) + rb"([0-9a-f]{64})")
_HEAD = 1 << 20
_TAIL = 1 << 24
_BLOCK = 1 << 20
_SETTLED_S = 2.0
REMEDY = "delete it and run the same command again"

# What this process has found whole: files are opened once per picture, and hashed once.
_whole: dict[tuple[int, int, int, int, int], str] = {}
_plain: dict[tuple[int, int, int, int, int], str] = {}


class DamagedFileError(ValueError):
    """A file is not as it was written; the message names it and says what to do."""


def seal(path: Path) -> str:
    """Write the digest of a finished file over its blank seal and return it.

    Raises:
        ValueError: if the file has no blank seal.
    """
    found = _find(path)
    if found is None or found[1] != "0" * 64:
        raise ValueError(f"{path}: there is no blank seal to write the checksum over")
    place = found[0]
    digest = _digest(path, place)
    with open(path, "rb+") as handle:
        handle.seek(place)
        handle.write(digest.encode())
    return digest


def stored_seal(path: Path) -> str | None:
    """Return the digest that a file says it has, None if it says nothing; nothing is checked."""
    found = _find(path)
    return found[1] if found else None


def check_seal(path: Path, remedy: str = REMEDY) -> str:
    """Check that a sealed file is whole and return its digest.

    Args:
        path: the file.
        remedy: what the message tells the reader to do about a damaged one.

    Raises:
        DamagedFileError: if it is missing or cannot be read, has no seal, or is not as it was written.
    """
    try:
        before = _state(path)
        if before in _whole:
            return _whole[before]
        found = _find(path)
        if found is None:
            raise DamagedFileError(
                f"{path}: the file has no checksum: it is cut off, damaged, or was written before version 2 "
                f"of the file formats; {remedy}"
            )
        place, said = found
        got = _digest(path, place)
    except OSError as error:
        raise DamagedFileError(
            f"{path}: the file cannot be read ({error.strerror or error}); check that it is there and yours "
            f"to read, or {remedy}"
        ) from error
    if got != said:
        raise DamagedFileError(
            f"{path}: the file is damaged: its SHA-256 is {got[:16]}..., expected {said[:16]}... as written; "
            f"{remedy}"
        )
    if _is_settled(path, before):
        _whole[before] = got
    return got


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, block by block."""
    return _digest(path, None)


def settled_sha256(path: Path) -> str:
    """Return the SHA-256 of a file; of one that has not changed for a while, without hashing it again."""
    before = _state(path)
    if before not in _plain:
        got = _digest(path, None)
        if not _is_settled(path, before):
            return got
        _plain[before] = got
    return _plain[before]


def _is_settled(path: Path, before: tuple[int, int, int, int, int]) -> bool:
    """Return whether a file stayed as it was; what changed just now may change again and look the same."""
    return time.time() - max(before[3], before[4]) / 1e9 > _SETTLED_S and _state(path) == before


def _state(path: Path) -> tuple[int, int, int, int, int]:
    seen = os.stat(path)
    return seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns


def _find(path: Path) -> tuple[int, str] | None:
    """Return where the digits of the seal begin, and the digits: first in the head, or last in the tail."""
    with open(path, "rb") as handle:
        size = os.fstat(handle.fileno()).st_size
        match = _SEAL.search(handle.read(_HEAD))
        if match:
            return match.start(1), match[1].decode()
        start = max(0, size - _TAIL)
        handle.seek(start)
        tail = handle.read()
        place = tail.rfind(MARK)
        match = _SEAL.match(tail, place) if place >= 0 else None
        return (start + match.start(1), match[1].decode()) if match else None


def _digest(path: Path, place: int | None) -> str:
    """Return the SHA-256 of a file, with zeros for the digits at `place`."""
    digest = hashlib.sha256()
    with open(path, "rb") as handle:
        if place is not None:
            left = place
            while left:
                block = handle.read(min(left, _BLOCK))
                if not block:
                    break
                digest.update(block)
                left -= len(block)
            handle.seek(place + 64)
            digest.update(b"0" * 64)
        while block := handle.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
