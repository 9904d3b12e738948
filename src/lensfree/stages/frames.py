"""Frames of a chunk, one at a time: holograms out of a stack, OPD and absorption into another."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import cast

import numpy as np

from lensfree import arrays
from lensfree.io.stacks import HologramReader, OpdWriter
from lensfree.optics.hologram import Channel
from lensfree.phase.level import background_sd_nm
from lensfree.phase.retriever import Retriever
from lensfree.stages.distance import DistanceFinder
from lensfree.stages.refocus import refocused

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Frames:
    """The frames of an open chunk, by their index in it.

    Attributes:
        source: their holograms.
        sink: what comes of them.
        retriever: makes one of the other.
        device: where.
    """

    source: HologramReader
    sink: OpdWriter
    retriever: Retriever
    device: arrays.Device

    def read(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return intensity (channel, y, x) of a frame that is not missing, and where it saturated."""
        frame = self.source.first_frame + index
        return cast(np.ndarray, self.source.read(frame)), self.source.read_saturated(frame)

    def leave_out(self, index: int) -> None:
        """Record a frame as missing."""
        self.sink.write(index, time_h=float(self.source.time_h[index]), opd_nm=None)

    def reconstruct(self, index: int, channels: list[Channel], unless_above: float = np.inf) -> float:
        """Retrieve and write a frame unless its misfit is above a limit; return the misfit."""
        intensity, saturated = (arrays.to_device(image, self.device) for image in self.read(index))
        result = self.retriever(intensity, channels, saturated)
        if result.misfit > unless_above:
            return result.misfit
        opd_nm = arrays.to_numpy(result.opd_nm)
        self.sink.write(
            index,
            time_h=float(self.source.time_h[index]),
            opd_nm=opd_nm,
            absorption=arrays.to_numpy(result.absorption),
            z_um=channels[0].z_um,
            misfit=result.misfit,
            background_sd_nm=background_sd_nm(opd_nm),
            refine_rejected=result.refine_rejected,
        )
        frame = self.source.first_frame + index
        logger.info("frame %d: misfit %.3g", frame, result.misfit)
        if result.refine_rejected:
            logger.warning(
                "frame %d: the CNN led away from the holograms and was left out; OPD beyond half a "
                "wavelength may be wrapped there",
                frame,
            )
        return result.misfit

    def refocus(self, index: int, channels: list[Channel], misfit: float, finder: DistanceFinder) -> None:
        """Retrieve a frame again at a distance of its own, if there is one at which it fits better."""
        frame = self.source.first_frame + index
        logger.warning("frame %d: misfit %.3g is far above the others', looking for its focus", frame, misfit)
        found = refocused(*self.read(index), channels, finder)
        after = np.inf if found is None else self.reconstruct(index, found, unless_above=misfit)
        if found is None or after > misfit:
            logger.warning("frame %d: no better focus was found", frame)
        else:
            z_um = (channels[0].z_um, found[0].z_um)
            logger.warning("frame %d: refocused from %.0f to %.0f um, misfit %.3g", frame, *z_um, after)
