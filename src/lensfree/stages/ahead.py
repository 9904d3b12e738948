"""Reading and writing beside computing: the next frame is read, the last one written, in a thread each.

Both hold at most one frame more than a plain loop would, so memory does not grow. HDF5 takes one call at a
time, in whichever thread, so reading and writing overlap with computing, not with each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

Index = TypeVar("Index")
Frame = TypeVar("Frame")


def read_ahead(read: Callable[[Index], Frame], indices: Iterable[Index]) -> Iterator[tuple[Index, Frame]]:
    """Yield (index, read(index)) in order; while one is used, the next is being read.

    Raises:
        Exception: what `read` raised, when its frame's turn comes; those before it are yielded.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as pool:
        waiting: tuple[Index, Future[Frame]] | None = None
        for index in indices:
            following = index, pool.submit(read, index)
            if waiting is not None:
                yield waiting[0], waiting[1].result()
            waiting = following
        if waiting is not None:
            yield waiting[0], waiting[1].result()


class WriteBehind:
    """Runs one call at a time in a thread; see `write_behind`."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._running: Future[Any] | None = None

    def __call__(self, write: Callable[..., Any], *arguments: Any, **named: Any) -> None:
        """Start a call once the one before has ended.

        Raises:
            Exception: what the call before raised; this one is then not made.
        """
        self.wait()
        self._running = self._pool.submit(write, *arguments, **named)

    def wait(self) -> None:
        """Return when nothing is being written any more, or raise what the last call raised."""
        running, self._running = self._running, None
        if running is not None:
            running.result()


@contextmanager
def write_behind() -> Iterator[WriteBehind]:
    """Yield what makes calls in a thread; all of them have ended when the block ends.

    An error of the last call is raised at the end of the block, unless the block raises one of its own.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="write-behind") as pool:
        behind = WriteBehind(pool)
        yield behind
        behind.wait()
