"""Files damaged on purpose: every byte flipped, every length, for what must be found on reading."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np


def damaged(path: Path, *, flips: int, cuts: int = 12, seed: int = 0) -> Iterator[str]:
    """Spoil a file in one way after the other, saying which; it is whole again in the end.

    Of files longer than `flips` bytes the first and last 600, where formats keep what they need, and bytes
    drawn from the rest are flipped in turn, one bit each.
    """
    whole = path.read_bytes()
    rng = np.random.default_rng(seed)
    places = range(len(whole))
    if len(whole) > flips:
        ends = {*range(600), *range(len(whole) - 600, len(whole))}
        places = sorted(ends | set(rng.integers(0, len(whole), flips - 1200).tolist()))
    try:
        for place in places:
            bit = 1 << int(rng.integers(8))
            _put(path, place, whole[place] ^ bit)
            yield f"bit {bit} of byte {place} of {len(whole)}"
            _put(path, place, whole[place])
        for length in (0, *rng.integers(1, len(whole), cuts).tolist(), len(whole) - 1):
            path.write_bytes(whole[:length])
            yield f"cut to {length} of {len(whole)}"
        path.write_bytes(whole + b"\0")
        yield "a byte longer"
    finally:
        path.write_bytes(whole)


def _put(path: Path, place: int, byte: int) -> None:
    """Write one byte in place: thousands of whole files would wait for the disk."""
    with open(path, "rb+") as handle:
        handle.seek(place)
        handle.write(bytes([byte]))
