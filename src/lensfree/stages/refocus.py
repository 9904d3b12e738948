"""Frames taken at another distance than the rest: find it, so that they need not be lost."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lensfree.config import FocusConfig, OpticsConfig, ReconstructConfig
from lensfree.optics.focus import NoFocusError, central_field
from lensfree.optics.hologram import Channel
from lensfree.stages.focus import find_geometry

FEWEST = 5
"""With fewer frames in a chunk there is no usual misfit."""


def out_of_focus(misfits: Mapping[int, float], above: float) -> list[int]:
    """Return which frames have a misfit of more than `above` times the median; none if above is 0."""
    if above == 0 or len(misfits) < FEWEST:
        return []
    usual = float(np.median(list(misfits.values())))
    return [index for index, misfit in misfits.items() if misfit > above * usual]


def refocused(
    intensity: np.ndarray,
    channels: list[Channel],
    pixel_pitch_um: float,
    *,
    optics: OpticsConfig,
    focus: FocusConfig,
    config: ReconstructConfig,
) -> list[Channel] | None:
    """Return the channels at the distance of this one frame, None if none is found.

    It is searched around the acquisition's distance, within `refocus_range` of it. Channels at distances
    of their own, as of a multi-height acquisition, are left alone.
    """
    z_um = channels[0].z_um
    if len({channel.z_um for channel in channels}) > 1:
        return None
    near = focus.model_copy(
        update={
            "z_min_um": z_um * (1 - config.refocus_range),
            "z_max_um": z_um * (1 + config.refocus_range),
            "iterations": max(focus.iterations // 2, 1),  # one frame among many: half as sure, twice as fast
        }
    )
    middle = central_field(intensity, focus.field_px)
    try:
        return find_geometry(middle, channels, pixel_pitch_um, optics, near, config)
    except NoFocusError:  # whatever is wrong with the frame, it is not the distance
        return None
