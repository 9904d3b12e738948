"""Stage reconstruct: holograms of a chunk -> OPD and absorption, frame by frame."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np

from lensfree import arrays
from lensfree.config import FocusConfig, OpticsConfig, ReconstructConfig, StorageConfig
from lensfree.contracts import FOCUS
from lensfree.io.stacks import create_opd, open_holograms
from lensfree.io.tables import read_table
from lensfree.optics.hologram import Channel
from lensfree.phase.level import background_sd_nm
from lensfree.phase.retrieve import retrieve
from lensfree.stages.refine import load_refine
from lensfree.stages.refocus import out_of_focus, refocused

logger = logging.getLogger(__name__)


def run(
    *,
    holograms: Path,
    focus: Path,
    out: Path,
    optics: OpticsConfig,
    focus_config: FocusConfig,
    config: ReconstructConfig,
    storage: StorageConfig,
    weights: Path | None,
    provenance: Mapping[str, Any],
) -> None:
    """Retrieve every frame of the chunk; memory does not grow with its length.

    A missing frame stays missing. Frames that fit far worse than the rest of the chunk are tried at other
    distances. The array library follows `config.device`.
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

        def recorded(index: int) -> np.ndarray:
            return cast(np.ndarray, source.read(source.first_frame + index))

        def reconstruct(index: int, channels: list[Channel], unless_above: float = np.inf) -> float:
            """Retrieve and write a frame unless its misfit is above a limit; return the misfit."""
            result = retrieve(
                arrays.to_device(recorded(index), device),
                channels,
                pixel_pitch_um=source.pixel_pitch_um,
                optics=optics,
                config=config,
                refine=refine,
            )
            if result.misfit > unless_above:
                return result.misfit
            opd_nm = arrays.to_numpy(result.opd_nm)
            sink.write(
                index,
                time_h=float(source.time_h[index]),
                opd_nm=opd_nm,
                absorption=arrays.to_numpy(result.absorption),
                z_um=channels[0].z_um,
                misfit=result.misfit,
                background_sd_nm=background_sd_nm(opd_nm),
                refine_rejected=result.refine_rejected,
            )
            frame = source.first_frame + index
            logger.info("frame %d: misfit %.3g", frame, result.misfit)
            if result.refine_rejected:
                logger.warning(
                    "frame %d: the CNN led away from the holograms and was left out; OPD beyond half a "
                    "wavelength may be wrapped there",
                    frame,
                )
            return result.misfit

        misfits = {}
        for index in range(len(source)):
            if source.is_missing[index]:
                sink.write(index, time_h=float(source.time_h[index]), opd_nm=None)
            else:
                misfits[index] = reconstruct(index, channels)
        for index in out_of_focus(misfits, config.refocus_above):
            frame, before = source.first_frame + index, misfits[index]
            logger.warning(
                "frame %d: misfit %.3g is far above the others', looking for its focus", frame, before
            )
            moved = refocused(
                recorded(index),
                channels,
                source.pixel_pitch_um,
                optics=optics,
                focus=focus_config,
                config=config,
            )
            after = np.inf if moved is None else reconstruct(index, moved, unless_above=before)
            if moved is None or after > before:
                logger.warning("frame %d: no better focus was found", frame)
            else:
                z_um = (channels[0].z_um, moved[0].z_um)
                logger.warning("frame %d: refocused from %.0f to %.0f um, misfit %.3g", frame, *z_um, after)
