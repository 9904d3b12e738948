"""Frames taken at another distance than the rest: find it, so that they need not be lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from lensfree.optics.focus import NoFocusError
from lensfree.optics.hologram import Channel
from lensfree.stages.distance import DistanceFinder

FEWEST = 5
"""With fewer frames in a chunk there is no usual misfit."""


def out_of_focus(misfits: Mapping[int, float], above: float) -> list[int]:
    """Return which frames have a misfit of more than `above` times the median; none if above is 0."""
    if above == 0 or len(misfits) < FEWEST:
        return []
    usual = float(np.median(list(misfits.values())))
    return [index for index, misfit in misfits.items() if misfit > above * usual]


def refocused(
    intensity: np.ndarray, saturated: np.ndarray, channels: list[Channel], finder: DistanceFinder
) -> list[Channel] | None:
    """Return the channels at the distance of this one frame, None if none is found.

    It is searched around the acquisition's distance, within `refocus_range` of it. Channels at distances
    of their own, as of a multi-height acquisition, are left alone.
    """
    z_um, reach = channels[0].z_um, finder.reconstruct.refocus_range
    if len({channel.z_um for channel in channels}) > 1:
        return None
    focus = finder.config
    near = focus.model_copy(
        update={
            "z_min_um": z_um * (1 - reach),
            "z_max_um": z_um * (1 + reach),
            "iterations": max(focus.iterations // 2, 1),  # one frame among many: half as sure, twice as fast
        }
    )
    try:
        return replace(finder, config=near).find(*finder.middle(intensity, saturated, channels))
    except NoFocusError:  # whatever is wrong with the frame, it is not the distance
        return None
