"""Stage focus: the first holograms -> distance and lateral shift of every channel, and the plate's tilt."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from lensfree.acquisitions import Acquisition
from lensfree.config import FocusConfig, OpticsConfig, ReconstructConfig
from lensfree.contracts import FOCUS
from lensfree.io.stacks import open_holograms
from lensfree.io.tables import write_table
from lensfree.optics.hologram import Channel
from lensfree.optics.plate import Tilt
from lensfree.progress import part
from lensfree.stages.distance import DistanceFinder, is_common
from lensfree.stages.plate import find_plate
from lensfree.stages.refine import load_refine

logger = logging.getLogger(__name__)


def run(
    *,
    holograms: Path,
    out: Path,
    acquisition: Acquisition,
    optics: OpticsConfig,
    config: FocusConfig,
    reconstruct: ReconstructConfig,
    weights: Path | None,
    provenance: Mapping[str, Any],
) -> None:
    """Take the sheet's distances or find one; estimate the colours' shifts if there are several.

    A distance that several colours agree on is looked for in several places of a wide field. With the weights
    of the CNN step it is settled by the misfit of whole retrievals.

    Raises:
        ValueError: if every frame of the chunk is missing, or no distance is in focus.
    """
    with open_holograms(holograms) as source:
        frame, intensity = next(
            ((frame, array) for frame, _, array in source.frames() if array is not None), (0, None)
        )
        saturated = None if intensity is None else source.read_saturated(frame)
        names = source.channels
    if intensity is None or saturated is None:
        raise ValueError(
            f"{holograms}: every frame is missing, so there is nothing to focus on; check the files"
        )
    finder = DistanceFinder(acquisition.pixel_pitch_um, optics, config, reconstruct, load_refine(weights))
    is_auto, tilt = acquisition.z_um == "auto", Tilt()
    given_um = [0.0] * len(names) if acquisition.z_um == "auto" else list(acquisition.z_um)
    channels = [Channel(w, z) for w, z in zip(acquisition.wavelength_nm, given_um, strict=True)]
    middle = finder.middle(intensity, saturated, channels)
    if is_auto:
        with part("find the distance"):
            channels = finder.find(*middle)
        if config.tilt == "auto" and is_common(channels):
            with part("find the tilt"):
                channels, tilt = find_plate(intensity, saturated, channels, finder)
    else:
        with part("register"):
            channels = finder.register(middle[0], channels)
    logger.info("%s, %s", channels, tilt)
    table = pd.DataFrame([vars(channel) for channel in channels]).assign(
        channel=names,
        is_estimated=is_auto,
        tilt_y_um_per_mm=tilt.y_um_per_mm,
        tilt_x_um_per_mm=tilt.x_um_per_mm,
    )
    write_table(out, table, FOCUS, provenance=provenance)
