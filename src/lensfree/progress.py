"""What a job tells its log while it runs: how far it is, how fast, what is left, and what takes time."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from typing import TypeVar

logger = logging.getLogger(__name__)

AT_MOST_EVERY_S = 10.0
"""Two lines on progress are at least this far apart, however short a frame is."""

AT_LEAST_EVERY_S = 60.0
"""After this time a line is due although little was done, so that a watcher knows that the job lives."""

SHARE = 0.05
"""Otherwise a line is due when this share of the work was done since the last one."""

LOOKED_BACK = 20
"""Steps whose time says how fast the job is: the first of all, which compiles kernels, is soon forgotten."""

Item = TypeVar("Item")


class Progress:
    """Counts steps, and at a steady low rate says in the log how many are done and what is left.

    A line reads `progress: 12 of 48 frames, 0.82 frames/s, 44 s left`.
    """

    def __init__(self, total: int, unit: str = "frames", clock: Callable[[], float] = time.monotonic) -> None:
        self.total, self.unit, self.clock = total, unit, clock
        self.done = self._told = 0
        self._told_s = clock()
        self._marks: deque[tuple[float, int]] = deque([(self._told_s, 0)], maxlen=LOOKED_BACK + 1)

    def step(self, count: int = 1) -> None:
        """Count what was done, and tell if a line is due: at the end one is, unless it took no time."""
        now_s = self.clock()
        self.done += count
        self._marks.append((now_s, self.done))
        since_s = now_s - self._told_s
        is_much = self.done - self._told >= SHARE * self.total or since_s >= AT_LEAST_EVERY_S
        if (since_s >= AT_MOST_EVERY_S and is_much) or (self.done == self.total and self._told):
            logger.info("progress: %s", self.line())
            self._told, self._told_s = self.done, now_s

    def line(self) -> str:
        """Return in words how much is done, how fast the last steps were, and what is left at that rate."""
        (first_s, first), (last_s, last) = self._marks[0], self._marks[-1]
        words = f"{self.done} of {self.total} {self.unit}"
        if last_s <= first_s or last <= first:
            return words
        rate = (last - first) / (last_s - first_s)
        return f"{words}, {rate:.3g} {self.unit}/s, {(self.total - self.done) / rate:.0f} s left"


def followed(items: Iterable[Item], total: int | None = None, unit: str = "frames") -> Iterator[Item]:
    """Yield the items and tell the log how far their use has come.

    Args:
        items: what is worked through; its length is taken if it has one.
        total: how many there will be, needed of items without a length.
        unit: what one is called, in the plural.

    Raises:
        ValueError: if there is neither a length nor a total.
    """
    if total is None and not isinstance(items, Sized):
        raise ValueError(
            "got items without a length and no total, expected one of them: say how many there are"
        )
    progress = Progress(len(items) if total is None and isinstance(items, Sized) else int(total or 0), unit)
    for item in items:
        yield item
        progress.step()


class Parts:
    """Seconds that the parts of a job took, by name; threads may add to them at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.seconds: dict[str, float] = {}

    def add(self, name: str, seconds: float) -> None:
        """Count time for a part."""
        with self._lock:
            self.seconds[name] = self.seconds.get(name, 0.0) + seconds

    def begin(self) -> None:
        """Forget everything: another job begins in this process."""
        with self._lock:
            self.seconds.clear()

    def line(self) -> str:
        """Return the parts in the order in which they first ended, such as `read 1.2 s, retrieve 30.1 s`."""
        with self._lock:
            return ", ".join(f"{name} {seconds:.1f} s" for name, seconds in self.seconds.items())


PARTS = Parts()
"""Those of the job that this process runs; its log gives them at the end."""


@contextmanager
def part(name: str) -> Iterator[None]:
    """Count the block's time, on the wall clock, for a part of the job."""
    start_s = time.monotonic()
    try:
        yield
    finally:
        PARTS.add(name, time.monotonic() - start_s)


def timed(name: str, items: Iterable[Item]) -> Iterator[Item]:
    """Yield the items; the time that it takes to get them counts for a part of the job."""
    iterator = iter(items)
    while True:
        with part(name):
            try:
                item = next(iterator)
            except StopIteration:
                return
        yield item
