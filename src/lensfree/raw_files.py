"""The raw files of a job, and whether they still hold what they held when a job read them.

Snakemake looks at every input file of every job several times, which for the frames of sixty acquisitions
was two fifths of planning. So the raw files of a job are one of its params: their names, and a word for
their contents. A job leaves a record of what it read. The word stays the same while every file has size and
time of the record, or, if it was touched or copied since, the same SHA-256.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lensfree.seals import DamagedFileError, check_seal, file_sha256

COMPARED_B = 100_000_000
"""Files above it are not compared by content but read again; as `max-checksum-file-size` in the profiles."""

_DIGITS = 16
_GONE = (-1, -1)


@dataclass(frozen=True)
class RawRecord:
    """What a job read.

    Attributes:
        contents: the word for the contents of the files.
        files: size in bytes, time of the last change in ns, and SHA-256 of each by name; an empty SHA-256
            where it was not taken.
    """

    contents: str
    files: dict[str, tuple[int, int, str]]


def raw_param(names: Iterable[str], record: Path) -> dict[str, Any]:
    """Return the param that stands for the raw files of a job.

    Args:
        names: their paths.
        record: where the job leaves its record of them.

    Returns:
        `files`, the sorted names, and `contents`, the word for what is in them.
    """
    now = states(names)
    before = read_record(record)
    if before is None or before.files.keys() != now.keys() or changed(before, now):
        return {"contents": _word(now), "files": list(now)}
    return {"contents": before.contents, "files": list(now)}


def states(names: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Return size in bytes and time of the last change in ns of each file, in order of the names."""
    return {name: _state(name) for name in sorted(set(names))}


def changed(record: RawRecord, now: Mapping[str, tuple[int, int]]) -> list[str]:
    """Return which of the files that are in the record do not hold what they held then."""
    return [name for name, state in now.items() if name in record.files and not _is_as(record, name, state)]


def read_digests(before: Mapping[str, tuple[int, int]]) -> dict[str, tuple[int, int, str]]:
    """Return what a record says of files that a job has just read.

    Args:
        before: the files as they were before it read them. One that has changed meanwhile, or cannot be
            read, gets no SHA-256: whatever it holds next is read again.
    """
    return {name: (*state, _digest(name, state)) for name, state in before.items()}


def read_record(path: Path) -> RawRecord | None:
    """Return the record that a job left, None if there is none that is whole."""
    try:
        check_seal(path)
        content = json.loads(path.read_text(encoding="utf-8"))
        read = content["files"].items()
        files = {str(name): (int(size), int(time), str(digest)) for name, (size, time, digest) in read}
        return RawRecord(str(content["contents"]), files)
    except (DamagedFileError, OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _state(name: str) -> tuple[int, int]:
    try:
        seen = os.stat(name)
    except OSError:
        return _GONE
    return seen.st_size, seen.st_mtime_ns


def _is_as(record: RawRecord, name: str, state: tuple[int, int]) -> bool:
    n_bytes, time_ns, digest = record.files[name]
    if state == (n_bytes, time_ns):
        return True
    return state[0] == n_bytes and digest != "" and _digest(name, state) == digest


def _digest(name: str, state: tuple[int, int]) -> str:
    """Return the SHA-256 of a file that is as it was said to be, empty if it is not or is too large."""
    if not 0 <= state[0] <= COMPARED_B:
        return ""
    try:
        digest = file_sha256(Path(name))
    except OSError:
        return ""
    return digest if _state(name) == state else ""


def _word(now: Mapping[str, tuple[int, int]]) -> str:
    return hashlib.sha256(json.dumps(list(now.items())).encode()).hexdigest()[:_DIGITS]
