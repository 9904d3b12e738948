"""Raw images against the list of checksums beside them, where the microscope's owner keeps one.

Raw files carry no checksum of ours. `sha256sum *.tif > SHA256SUMS` in their folder, run where they were
recorded, makes every later reading check them.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from lensfree.seals import settled_sha256

SUMS = "SHA256SUMS"
_LINE = re.compile(r"([0-9a-f]{64}) [ *](?:\./)?(.+)")


class RawSumError(ValueError):
    """A raw file is not the one in the list; the message names both and says what to do."""


def check_raw(path: Path) -> None:
    """Check a raw file against the list in its folder, if there is one.

    Raises:
        RawSumError: if the list cannot be read, or the file is not in it or not as it says.
    """
    sums = path.parent / SUMS
    if not sums.exists():
        return
    try:
        listed = _listed(sums, sums.stat().st_mtime_ns)
        got = settled_sha256(path)
    except (OSError, UnicodeDecodeError) as error:
        raise RawSumError(f"{sums}: the list of checksums cannot be used for {path} ({error})") from error
    if path.name not in listed:
        raise RawSumError(
            f"{path}: the file is not in {SUMS} beside it; add its line (sha256sum {path.name}), or remove "
            "the list"
        )
    if got != listed[path.name]:
        raise RawSumError(
            f"{path}: the file is damaged or another one: its SHA-256 is {got[:16]}..., {SUMS} says "
            f"{listed[path.name][:16]}...; copy it again from where it was recorded"
        )


@lru_cache(maxsize=16)
def _listed(sums: Path, changed_ns: int) -> dict[str, str]:
    """Return the digests of a list by the names of the files; a line that is none is an error."""
    listed = {}
    for number, line in enumerate(sums.read_text(encoding="utf-8").splitlines(), start=1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise RawSumError(
                f"{sums}, line {number}: expected 64 hex digits, two spaces and a name; write it with "
                "sha256sum"
            )
        listed[match[2]] = match[1]
    return listed
