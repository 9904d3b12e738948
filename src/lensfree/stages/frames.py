"""Frames of a chunk, one at a time: holograms out of a stack, OPD and absorption into another."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from lensfree import arrays
from lensfree.io.stacks import HologramReader, OpdWriter
from lensfree.optics.hologram import Channel
from lensfree.phase.level import background_sd_nm
from lensfree.phase.problem import Retrieval
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

    def retrieve(self, images: tuple[np.ndarray, np.ndarray], channels: list[Channel]) -> Retrieval:
        """Retrieve a frame from what `read` returned; the maps come back in host memory."""
        try:
            intensity, saturated = (arrays.to_device(image, self.device) for image in images)
            found = self.retriever(intensity, channels, saturated)
            opd_nm, absorption = arrays.to_numpy(found.opd_nm), arrays.to_numpy(found.absorption)
        except Exception as error:
            if self.device == "cpu" or "cuda" not in f"{type(error).__name__} {error}".lower():
                raise
            raise RuntimeError(
                f"{self.source.path}: the GPU failed while its frames were reconstructed ({error}); nothing "
                "of this chunk was kept, run the same command again or set reconstruct.device to cpu"
            ) from error
        return replace(found, opd_nm=opd_nm, absorption=absorption)

    def write(self, index: int, found: Retrieval, channels: list[Channel]) -> None:
        """Write what was retrieved of a frame."""
        self.sink.write(
            index,
            time_h=float(self.source.time_h[index]),
            opd_nm=found.opd_nm,
            absorption=found.absorption,
            z_um=channels[0].z_um,
            misfit=found.misfit,
            background_sd_nm=background_sd_nm(found.opd_nm),
            refine_rejected=found.refine_rejected,
        )
        frame = self.source.first_frame + index
        logger.info("frame %d: misfit %.3g", frame, found.misfit)
        if found.refine_rejected:
            logger.warning(
                "frame %d: the CNN led away from the holograms and was left out; OPD beyond half a "
                "wavelength may be wrapped there",
                frame,
            )

    def refocus(self, index: int, channels: list[Channel], misfit: float, finder: DistanceFinder) -> None:
        """Retrieve a frame again at a distance of its own, if there is one at which it fits better."""
        frame = self.source.first_frame + index
        logger.warning("frame %d: misfit %.3g is far above the others', looking for its focus", frame, misfit)
        images = self.read(index)
        moved = refocused(*images, channels, finder)
        found = None if moved is None else self.retrieve(images, moved)
        if moved is None or found is None or found.misfit > misfit:
            logger.warning("frame %d: no better focus was found", frame)
        else:
            self.write(index, found, moved)
            z_um = (channels[0].z_um, moved[0].z_um)
            said = "frame %d: refocused from %.0f to %.0f um, misfit %.3g"
            logger.warning(said, frame, *z_um, found.misfit)
