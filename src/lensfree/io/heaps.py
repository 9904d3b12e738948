"""The global heaps of an HDF5 file, where it keeps the text of attributes, walked before HDF5 does.

HDF5 2.0 goes round for ever in a heap that holds free space of no bytes, without a word and deaf to signals.
A file whose seal is right has no such heap unless someone made it so.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

from lensfree.contracts import ContractError
from lensfree.seals import REMEDY

_MARK = b"GCOL\x01\x00\x00\x00"
"""Signature, version and three bytes of nothing; by chance eight bytes of data hardly ever look so."""
_HEADER = struct.Struct("<8sQ")
_OBJECT = struct.Struct("<HHIQ")
_FREE = 0


def check_heaps(path: Path) -> None:
    """Check that every global heap of a file can be walked from its beginning to its end.

    Raises:
        ContractError: naming the file, if one cannot.
    """
    with open(path, "rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as content:
        place = content.find(_MARK)
        while place >= 0:
            if not _can_be_walked(content, place):
                raise ContractError(
                    f"{path}: the heap at byte {place}, which holds the text of attributes, cannot be walked "
                    f"to its end, HDF5 would not come back from it; {REMEDY}"
                )
            place = content.find(_MARK, place + len(_MARK))


def _can_be_walked(content: mmap.mmap, place: int) -> bool:
    if place + _HEADER.size > len(content):
        return False
    end = place + _HEADER.unpack_from(content, place)[1]
    at = place + _HEADER.size
    if not at <= end <= len(content):
        return False
    while at + _OBJECT.size <= end:
        number, _, _, size = _OBJECT.unpack_from(content, at)
        # Free space counts its own header and ends the heap; an object does not, and is padded to 8 bytes.
        step = size if number == _FREE else _OBJECT.size + -(-size // 8) * 8
        if step < _OBJECT.size:
            return False
        at += step
    return at <= end
