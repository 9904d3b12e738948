"""Phase retrieval of frame after frame, in tiles where the plate is tilted or memory is short."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

import numpy as np

from lensfree.arrays import array_namespace
from lensfree.config import OpticsConfig, ReconstructConfig
from lensfree.memory import is_memory_exhausted
from lensfree.optics.hologram import Channel, is_recorded, padding_px
from lensfree.optics.plate import Tilt, moved
from lensfree.phase.problem import MOST_DARK, Retrieval, forget_transfers, off_background
from lensfree.phase.retrieve import Refine, retrieve
from lensfree.phase.tiles import Tile, cut, join, levels, most_tiles
from lensfree.units import NM_PER_UM

logger = logging.getLogger(__name__)

REACH_PX = 44
"""How far a refinement is taken to look; 20 layers of 3 x 3 on 2 x 2 blocks see 42 pixels."""

SMALLEST_IN_OVERLAPS = 2
"""Tiles are at least this many overlaps wide, so that no pixel is shared by more than two along an axis."""

FARTHEST = 1.05
"""Largest distance of a tile over that of the field's centre."""


@dataclass
class Retriever:
    """Retrieves the frames of one acquisition and remembers which size did not fit into memory.

    Attributes:
        pixel_pitch_um, optics, config, refine: as `retrieve` takes them.
        tilt: of the plate. Where its distance spans more than twice the tolerance, the field is cut into
            tiles, each at the distance of its centre.
        z_tolerance: share of the distance by which it may be off at a tile's end.
        free_memory: called before the next try when memory was exhausted.
    """

    pixel_pitch_um: float
    optics: OpticsConfig
    config: ReconstructConfig
    refine: Refine | None = None
    tilt: Tilt = field(default_factory=Tilt)
    z_tolerance: float = 0.002
    free_memory: Callable[[], None] = lambda: None
    _least_yx: tuple[int, int] = field(default=(1, 1), init=False)

    def __call__(
        self, intensity: Any, channels: Sequence[Channel], saturated: Any | None = None
    ) -> Retrieval:
        """Retrieve OPD and absorption from one frame, as `retrieve` does.

        Channels are those at the field's centre. Of tiles, the misfits are averaged by recorded pixels (those
        in overlaps count in each), evaluations are summed, and the refinement counts as rejected if it was in
        any tile: then OPD may be wrapped in a part of the field.

        Raises:
            MemoryError: not even the smallest tiles fit into memory.
            ValueError: as `retrieve`.
        """
        while True:
            counts_yx = self._counts_yx(intensity.shape[-2:], channels)
            try:
                return self._retrieve(intensity, channels, saturated, counts_yx)
            except Exception as error:
                if not is_memory_exhausted(error):
                    raise
                said = str(error)
            # Only here, outside of the handler, are the arrays of what failed free.
            self._cut_finer(intensity.shape[-2:], channels, counts_yx, said)

    @property
    def _overlap_px(self) -> int:
        return 2 * padding_px(self.config.padding_um, self.pixel_pitch_um) + REACH_PX

    def _most_yx(self, shape_yx: Sequence[int], channels: Sequence[Channel]) -> tuple[int, int]:
        """Return how many tiles a field may be cut into; their padded grids must still carry the distance."""
        pitch_um = self.pixel_pitch_um
        fringes_um = max(abs(c.z_um) * c.wavelength_nm / NM_PER_UM for c in channels) / (2 * pitch_um)
        fringes_px = ceil(FARTHEST * fringes_um / pitch_um) - 2 * padding_px(self.config.padding_um, pitch_um)
        smallest_px = max(SMALLEST_IN_OVERLAPS * self._overlap_px, fringes_px)
        ny, nx = (most_tiles(n, overlap_px=self._overlap_px, smallest_px=smallest_px) for n in shape_yx)
        return ny, nx

    def _counts_yx(self, shape_yx: Sequence[int], channels: Sequence[Channel]) -> tuple[int, int]:
        """Return how many tiles tilt and memory ask for, down and across."""
        allowed_um = 2 * self.z_tolerance * min(abs(c.z_um) for c in channels)
        spans_um = self.tilt.span_um(shape_yx, self.pixel_pitch_um)
        ny, nx = (
            min(max(ceil(span_um / allowed_um) if span_um > allowed_um else 1, least), most)
            for span_um, least, most in zip(
                spans_um, self._least_yx, self._most_yx(shape_yx, channels), strict=True
            )
        )
        return ny, nx

    def _cut_finer(
        self, shape_yx: Sequence[int], channels: Sequence[Channel], counts_yx: tuple[int, int], said: str
    ) -> None:
        """Free what can be freed and ask for twice as many tiles along both axes from now on."""
        forget_transfers()
        gc.collect()
        self.free_memory()
        most_yx = self._most_yx(shape_yx, channels)
        finer = (min(2 * counts_yx[0], most_yx[0]), min(2 * counts_yx[1], most_yx[1]))
        if finer == counts_yx:
            raise MemoryError(
                f"memory was exhausted by {_described(shape_yx, counts_yx)}, expected it to hold tiles of "
                f"about {SMALLEST_IN_OVERLAPS * self._overlap_px} pixels on a side, the smallest that are "
                f"useful; free memory, or set reconstruct.device to another one ({said})"
            )
        logger.warning(
            "memory was exhausted by %s; trying again in %d x %d tiles, for the rest of this chunk (%s)",
            _described(shape_yx, counts_yx),
            *finer,
            said,
        )
        self._least_yx = finer

    def _retrieve(
        self, intensity: Any, channels: Sequence[Channel], saturated: Any | None, counts_yx: tuple[int, int]
    ) -> Retrieval:
        def part(index: Any, at: Sequence[Channel]) -> Retrieval:
            # A tile is copied, so that what is done to it does not depend on the field's width in memory.
            return retrieve(
                intensity if index is ... else intensity[index].copy(),
                at,
                pixel_pitch_um=self.pixel_pitch_um,
                optics=self.optics,
                config=self.config,
                refine=self.refine,
                saturated=saturated if saturated is None or index is ... else saturated[index].copy(),
            )

        if counts_yx == (1, 1):
            return part(..., channels)
        shape_yx = (int(intensity.shape[-2]), int(intensity.shape[-1]))
        tiles = cut(shape_yx, counts_yx, self._overlap_px)
        recorded = [is_recorded(intensity[tile.window]) for tile in tiles]
        is_known = [bool((share.mean(axis=(-2, -1)) > MOST_DARK).all()) for share in recorded]
        if not any(is_known):
            return part(..., channels)  # says what is wrong with the frame
        found = [
            part(tile.window, moved(channels, self._rise_um(tile, shape_yx))) if known else None
            for tile, known in zip(tiles, is_known, strict=True)
        ]
        return _joined(found, tiles, shape_yx, [int(there.sum()) for there in recorded])

    def _rise_um(self, tile: Tile, shape_yx: Sequence[int]) -> float:
        y_px, x_px = tile.offset_px(shape_yx)
        return self.tilt.rise_um(y_px * self.pixel_pitch_um, x_px * self.pixel_pitch_um)


def _joined(
    found: Sequence[Retrieval | None],
    tiles: Sequence[Tile],
    shape_yx: tuple[int, int],
    recorded: Sequence[int],
) -> Retrieval:
    """Return the retrieval of the field; None stands for a tile in which hardly anything was recorded."""
    there = [part for part in found if part is not None]
    is_known = [part is not None for part in found]
    empty = array_namespace(there[0].opd_nm).zeros_like(there[0].opd_nm)
    opd_nm = [empty if part is None else part.opd_nm for part in found]
    added_nm = levels(opd_nm, tiles, is_known=is_known)
    opd_nm = [part + np.float32(add_nm) for part, add_nm in zip(opd_nm, added_nm, strict=True)]
    absorption = [empty if part is None else part.absorption for part in found]
    weights = [pixels for pixels, known in zip(recorded, is_known, strict=True) if known]
    return Retrieval(
        opd_nm=off_background(join(opd_nm, tiles, shape_yx, is_known=is_known)),
        absorption=join(absorption, tiles, shape_yx, is_known=is_known),
        misfit=float(np.average([part.misfit for part in there], weights=weights)),
        misfit_first=float(np.average([part.misfit_first for part in there], weights=weights)),
        refine_rejected=any(part.refine_rejected for part in there),
        n_evaluations=sum(part.n_evaluations for part in there),
    )


def _described(shape_yx: Sequence[int], counts_yx: tuple[int, int]) -> str:
    ny, nx = shape_yx
    in_tiles = "" if counts_yx == (1, 1) else f" in {counts_yx[0]} x {counts_yx[1]} tiles"
    return f"a field of {ny} x {nx} pixels{in_tiles}"
