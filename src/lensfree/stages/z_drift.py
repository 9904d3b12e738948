"""The distance through a chunk's time: a drift of 10 um in 1 mm changes dry mass by 8 %."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import cast

import numpy as np

from lensfree.io.stacks import HologramReader
from lensfree.optics.hologram import Channel
from lensfree.optics.plate import moved
from lensfree.stages.distance import DistanceFinder

logger = logging.getLogger(__name__)

ChannelsAt = Callable[[int], list[Channel]]


def follow(source: HologramReader, channels: list[Channel], finder: DistanceFinder) -> ChannelsAt:
    """Return the channels of each frame by its index in the chunk.

    The distance is settled in the first, the middle and the last frame, in the middle of the field, and
    interpolated. A middle frame farther from the line through the others than the tolerance means that one of
    the three was taken out of focus: then the median holds throughout, as it does if a frame has no clear
    minimum. The first frame of all is where the distance comes from, so a first chunk of one or two frames
    keeps it.
    """
    good = np.flatnonzero(~source.is_missing)
    z_um = channels[0].z_um
    if len(good) == 0 or (source.first_frame == 0 and len(good) < 3):
        return lambda index: channels
    sampled = sorted({int(good[0]), int(good[len(good) // 2]), int(good[-1])})
    found = {}
    for index in sampled:
        frame = source.first_frame + index
        image = cast(np.ndarray, source.read(frame))
        settled = finder.settle(*finder.middle(image, source.read_saturated(frame), channels))
        if settled is not None:
            found[index] = settled[0].z_um
    if not found:
        logger.warning("no clear focus in frames sampled from this chunk; z stays at %.1f um", z_um)
        return lambda index: channels
    indices, distances_um = np.array(list(found)), np.array(list(found.values()))
    logger.info(
        "z of frames %s: %s um, %.1f for the acquisition",
        (source.first_frame + indices).tolist(),
        np.round(distances_um, 1).tolist(),
        z_um,
    )
    if not _is_a_line(indices, distances_um, finder.config.z_tolerance * z_um):
        distances_um = np.full_like(distances_um, np.median(distances_um))
    return lambda index: moved(channels, float(np.interp(index, indices, distances_um)) - z_um)


def _is_a_line(indices: np.ndarray, distances_um: np.ndarray, tolerance_um: float) -> bool:
    if len(indices) < 3:
        return False
    between_um = np.interp(indices[1], indices[[0, 2]], distances_um[[0, 2]])
    return bool(abs(distances_um[1] - between_um) <= tolerance_um)
