"""Stage focus: the first holograms -> distance and lateral shift of every channel."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lensfree import arrays
from lensfree.acquisitions import Acquisition
from lensfree.config import FocusConfig, OpticsConfig, ReconstructConfig
from lensfree.contracts import FOCUS
from lensfree.io.stacks import open_holograms
from lensfree.io.tables import write_table
from lensfree.optics.focus import central_field, find_focus, find_sharpest
from lensfree.optics.hologram import Channel
from lensfree.optics.registration import register
from lensfree.phase.retrieve import misfit_by_distance

logger = logging.getLogger(__name__)


def run(
    *,
    holograms: Path,
    out: Path,
    acquisition: Acquisition,
    optics: OpticsConfig,
    config: FocusConfig,
    reconstruct: ReconstructConfig,
    provenance: Mapping[str, Any],
) -> None:
    """Take the sheet's distances or find one; estimate the colours' shifts if there are several.

    Raises:
        ValueError: if every frame of the chunk is missing, or no distance is in focus.
    """
    with open_holograms(holograms) as source:
        intensity = next((array for _, _, array in source.frames() if array is not None), None)
        names = source.channels
    if intensity is None:
        raise ValueError(
            f"{holograms}: every frame is missing, so there is nothing to focus on; check the files"
        )
    middle = arrays.to_device(
        np.ascontiguousarray(central_field(intensity, config.field_px)),
        arrays.resolve_device(reconstruct.device),
    )
    is_auto = acquisition.z_um == "auto"
    given_um = [0.0] * len(names) if acquisition.z_um == "auto" else list(acquisition.z_um)
    channels = [Channel(w, z) for w, z in zip(acquisition.wavelength_nm, given_um, strict=True)]
    if is_auto:
        channels = find_geometry(middle, channels, acquisition.pixel_pitch_um, optics, config, reconstruct)
    else:
        channels = _register(middle, channels, acquisition.pixel_pitch_um, config)
    logger.info("%s", channels)
    table = pd.DataFrame([vars(channel) for channel in channels]).assign(channel=names, is_estimated=is_auto)
    write_table(out, table, FOCUS, provenance=provenance)


def find_geometry(
    intensity: Any,
    channels: list[Channel],
    pixel_pitch_um: float,
    optics: OpticsConfig,
    config: FocusConfig,
    reconstruct: ReconstructConfig,
) -> list[Channel]:
    """Return the channels with the distance and the shifts found from a hologram (channel, y, x).

    Bracket by sharpness, register there, settle by misfit: the misfit needs the colours in register.
    """
    start_um = find_sharpest(intensity, channels, pixel_pitch_um=pixel_pitch_um, config=config)
    if not np.isfinite(start_um):  # nothing is sharp anywhere; registration bears a distance that is off
        start_um = (config.z_min_um * config.z_max_um) ** 0.5
    registered = _register(intensity, _at(channels, start_um), pixel_pitch_um, config)
    misfit_at = misfit_by_distance(
        intensity,
        registered,
        pixel_pitch_um=pixel_pitch_um,
        optics=optics,
        config=reconstruct,
        iterations=config.iterations,
    )
    focus = find_focus(
        intensity, registered, pixel_pitch_um=pixel_pitch_um, config=config, misfit_at=misfit_at
    )
    logger.info("%s", focus)
    return _register(intensity, _at(channels, focus.z_um), pixel_pitch_um, config)


def _at(channels: list[Channel], z_um: float) -> list[Channel]:
    return [replace(channel, z_um=z_um) for channel in channels]


def _register(
    intensity: Any, channels: list[Channel], pixel_pitch_um: float, config: FocusConfig
) -> list[Channel]:
    if len(channels) == 1 or not config.register_channels:
        return channels
    return register(intensity, channels, pixel_pitch_um=pixel_pitch_um, max_shift_um=config.max_shift_um)
