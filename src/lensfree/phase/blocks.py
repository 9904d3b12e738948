"""Blocks of rows or columns that fit a core's cache, shared out to threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from lensfree.arrays import cpu_count

BLOCK_BYTES = 768 * 1024
"""Fits the second-level cache of a core."""

SMALLEST_SHARED_PX = 60_000
"""Smaller grids are done by one thread: starting another costs more."""

Share = Callable[[Callable[[slice], float], int, int], float]
"""(work, length, bytes per line) -> sum of work(slice) over slices of an axis."""


@contextmanager
def threads(shape_yx: tuple[int, ...]) -> Iterator[Share]:
    """Yield what shares work out to threads; the pool ends here: a lasting one would hang after a fork."""
    workers = 1 if shape_yx[0] * shape_yx[1] < SMALLEST_SHARED_PX else cpu_count()
    with ThreadPoolExecutor(workers) as pool:

        def share(work: Callable[[slice], float], length: int, line_bytes: int) -> float:
            lines = max(1, min(BLOCK_BYTES // line_bytes, -(-length // workers)))
            blocks = [slice(first, min(first + lines, length)) for first in range(0, length, lines)]
            return float(sum(map(work, blocks) if workers == 1 else pool.map(work, blocks)))

        yield share
