"""The plain network on a field cut into tiles: what it answers on the whole, in the memory of one tile.

Each tile is seen with a margin as wide as the network looks, and only what lies inside the margin is kept,
so that tiles and whole field agree to rounding. At the border of the field there is no margin: the network
itself pads there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil, isqrt
from typing import Any

from torch import nn

from lensfree.arrays import array_namespace
from lensfree.memory import is_memory_exhausted
from lensfree.nets.plain_cnn import PlainCnnSpec, apply_cnn, receptive_radius_px

logger = logging.getLogger(__name__)

MOST_PX = 2**22
"""Pixels that the network sees at once: 32 features of each are 0.5 GB in float32, and a layer holds them
twice."""

SMALLEST_IN_MARGINS = 4
"""Side of the smallest tile, seen with its margins: half of it is its own."""


@dataclass
class TiledCnn:
    """A network that remembers which size of tile did not fit into memory.

    Attributes:
        network: what is applied.
        spec: its layers and stride, which say how far it looks.
        free_memory: called before the next try when memory was exhausted.
        most_px: pixels that it sees at once, margins included.
    """

    network: nn.Module
    spec: PlainCnnSpec
    free_memory: Callable[[], None]
    most_px: int = MOST_PX

    def __call__(self, maps: Any) -> Any:
        """Apply the network to one field (channel, y, x) as `apply_cnn` does.

        Raises:
            MemoryError: not even the smallest tiles fit into memory.
        """
        while True:
            try:
                return self._apply(maps)
            except Exception as error:
                if not is_memory_exhausted(error):
                    raise
                said = str(error)
            # Only here, outside of the handler, are the arrays of what failed free.
            self._cut_finer(maps.shape[-2:], said)

    def _apply(self, maps: Any) -> Any:
        shape_yx = maps.shape[-2:]
        if shape_yx[0] * shape_yx[1] <= self.most_px:
            return apply_cnn(self.network, maps)
        xp = array_namespace(maps)
        out = xp.empty((self.spec.channels_out, *shape_yx), xp.float32)
        margin_px, stride = receptive_radius_px(self.spec), self.spec.stride
        own_px = max(isqrt(self.most_px) - 2 * margin_px, stride)
        for seen_rows, rows in _spans(shape_yx[0], own_px, margin_px, stride):
            for seen_columns, columns in _spans(shape_yx[1], own_px, margin_px, stride):
                part = apply_cnn(self.network, maps[:, seen_rows, seen_columns])
                inner = _shifted(rows, seen_rows.start), _shifted(columns, seen_columns.start)
                out[:, rows, columns] = part[(slice(None), *inner)]
        return out

    def _cut_finer(self, shape_yx: tuple[int, int], said: str) -> None:
        """Free what can be freed and see a quarter of the pixels at once from now on."""
        self.free_memory()
        tried_px = min(self.most_px, shape_yx[0] * shape_yx[1])
        smallest_px = (SMALLEST_IN_MARGINS * receptive_radius_px(self.spec)) ** 2
        if tried_px <= smallest_px:
            raise MemoryError(
                f"memory was exhausted by a network that sees {tried_px} pixels at once, expected it to hold "
                f"{smallest_px}, the fewest that are useful; free memory, or set quantify.device to another "
                f"one ({said})"
            )
        self.most_px = max(tried_px // 4, smallest_px)
        logger.warning(
            "memory was exhausted by a network that sees %d pixels of %d x %d at once; trying again with %d, "
            "for the rest of this chunk (%s)",
            *(tried_px, *shape_yx, self.most_px, said),
        )


def _spans(side_px: int, own_px: int, margin_px: int, stride: int) -> Iterator[tuple[slice, slice]]:
    """Yield what each tile sees along an axis, and the part of that which is its own.

    Tiles begin at multiples of the stride, where the network's blocks of pixels do.
    """
    count = ceil(side_px / own_px)
    own_px = stride * ceil(side_px / count / stride)
    for start in range(0, side_px, own_px):
        stop = min(start + own_px, side_px)
        yield slice(max(start - margin_px, 0), min(stop + margin_px, side_px)), slice(start, stop)


def _shifted(span: slice, by: int) -> slice:
    return slice(span.start - by, span.stop - by)
