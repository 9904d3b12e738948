"""Stage reconstruct: holograms of a chunk -> OPD and absorption, frame by frame."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lensfree import arrays
from lensfree.config import OpticsConfig, ReconstructConfig, StorageConfig
from lensfree.contracts import FOCUS
from lensfree.io.stacks import create_opd, open_holograms
from lensfree.io.tables import read_table
from lensfree.optics.hologram import Channel
from lensfree.phase.level import background_sd_nm
from lensfree.phase.retrieve import retrieve
from lensfree.stages.refine import load_refine

logger = logging.getLogger(__name__)


def run(
    *,
    holograms: Path,
    focus: Path,
    out: Path,
    optics: OpticsConfig,
    config: ReconstructConfig,
    storage: StorageConfig,
    weights: Path | None,
    provenance: Mapping[str, Any],
) -> None:
    """Retrieve every frame of the chunk; memory does not grow with its length.

    A missing frame stays missing. The array library follows `config.device`.
    """
    device = arrays.resolve_device(config.device)
    refine = load_refine(weights)
    table = read_table(focus, FOCUS)
    geometry = table[["wavelength_nm", "z_um", "shift_y_um", "shift_x_um"]].to_numpy(dtype=float)
    channels = [Channel(*(float(value) for value in row)) for row in geometry]
    logger.info("%s on %s, refine %s", config.method, device, weights.stem if weights else "none")
    with (
        open_holograms(holograms) as source,
        create_opd(
            out,
            n_frames=len(source),
            first_frame=source.first_frame,
            shape_yx=source.background.shape[-2:],
            pixel_pitch_um=source.pixel_pitch_um,
            storage=storage,
            provenance=provenance,
        ) as sink,
    ):
        for index, (frame, time_h, intensity) in enumerate(source.frames()):
            if intensity is None:
                sink.write(index, time_h=time_h, opd_nm=None)
                continue
            result = retrieve(
                arrays.to_device(intensity, device),
                channels,
                pixel_pitch_um=source.pixel_pitch_um,
                optics=optics,
                config=config,
                refine=refine,
            )
            opd_nm = arrays.to_numpy(result.opd_nm)
            sink.write(
                index,
                time_h=time_h,
                opd_nm=opd_nm,
                absorption=arrays.to_numpy(result.absorption),
                z_um=channels[0].z_um,
                misfit=result.misfit,
                background_sd_nm=background_sd_nm(opd_nm),
                refine_rejected=result.refine_rejected,
            )
            logger.info("frame %d: misfit %.3g", frame, result.misfit)
            if result.refine_rejected:
                logger.warning(
                    "frame %d: the CNN led away from the holograms and was left out; OPD beyond half a "
                    "wavelength may be wrapped there",
                    frame,
                )
