"""Stacks that read or make a frame when it is shown, and look like arrays to napari."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import RLock
from typing import Any

import numpy as np


class LazyStack:
    """A stack (frame, y, x) of which a frame exists only when it is asked for; the last few are kept.

    napari asks for one frame more than once (to show it, to tell the value under the pointer), and does so
    from several threads when it loads in the background.

    Attributes:
        shape: frames, then pixels, then the colours of a colour picture.
        dtype: of its values.
        made: how many frames have been made so far.
    """

    def __init__(
        self,
        make: Callable[[int], np.ndarray],
        shape: tuple[int, ...],
        dtype: np.dtype | type,
        n_kept: int = 3,
    ) -> None:
        """Remember how a frame is made.

        Args:
            make: frame number -> array (y, x) or (y, x, colour).
            shape: of the whole stack.
            dtype: of its values.
            n_kept: how many frames stay in memory.
        """
        self.shape = shape
        self.dtype = np.dtype(dtype)
        self.made = 0
        self._make = make
        self._n_kept = n_kept
        self._kept: OrderedDict[int, np.ndarray] = OrderedDict()
        self._lock = RLock()

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of values, most of which are never made."""
        return int(np.prod(self.shape, dtype=np.int64))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> np.ndarray:
        """Return the values at an index of one frame or of a range of frames."""
        first, *rest = key if isinstance(key, tuple) else (key,)
        if first is Ellipsis:
            first, rest = slice(None), [Ellipsis, *rest]
        if isinstance(first, slice):
            frames = [self._frame(frame)[tuple(rest)] for frame in range(*first.indices(len(self)))]
            return np.stack(frames) if frames else np.empty((0, *self.shape[1:]), self.dtype)
        return self._frame(range(len(self))[int(first)])[tuple(rest)]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Return the whole stack; nothing that shows frames asks for it."""
        return self[:].astype(dtype or self.dtype)

    def _frame(self, frame: int) -> np.ndarray:
        with self._lock:
            if frame in self._kept:
                self._kept.move_to_end(frame)
                return self._kept[frame]
            made = np.asarray(self._make(frame), dtype=self.dtype)
            if made.shape != self.shape[1:]:
                raise ValueError(
                    f"frame {frame} has shape {made.shape}, expected {self.shape[1:]}; its chunk belongs to "
                    "another acquisition: run the stage that wrote it again"
                )
            self.made += 1
            self._kept[frame] = made
            while len(self._kept) > self._n_kept:
                self._kept.popitem(last=False)
            return made
