"""Stage reconstruct: holograms of a chunk -> OPD and absorption, frame by frame."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from lensfree import arrays
from lensfree.config import FocusConfig, OpticsConfig, ReconstructConfig, StorageConfig
from lensfree.contracts import FOCUS
from lensfree.io.stacks import create_opd, open_holograms
from lensfree.io.tables import read_table
from lensfree.memory import free_memory
from lensfree.optics.hologram import Channel
from lensfree.optics.plate import Tilt
from lensfree.phase.retriever import Retriever
from lensfree.progress import followed, part, timed
from lensfree.stages.ahead import read_ahead, write_behind
from lensfree.stages.distance import DistanceFinder, is_common
from lensfree.stages.frames import Frames
from lensfree.stages.refine import load_refine
from lensfree.stages.refocus import out_of_focus
from lensfree.stages.z_drift import follow

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
    """Retrieve every frame of the chunk, reading and writing meanwhile; memory does not grow with its length.

    A distance that was found is followed through the chunk, and over a tilted plate in tiles. A missing
    frame stays missing. Frames that fit far worse than the rest of the chunk are tried at other distances.
    The array library follows `config.device`; where its memory is too small, fields are cut into tiles.
    """
    device = arrays.resolve_device(config.device)
    refine = load_refine(weights)
    table = read_table(focus, FOCUS)
    geometry = table[["wavelength_nm", "z_um", "shift_y_um", "shift_x_um"]].to_numpy(dtype=float)
    channels = [Channel(*(float(value) for value in row)) for row in geometry]
    tilt = Tilt(float(table["tilt_y_um_per_mm"].iloc[0]), float(table["tilt_x_um_per_mm"].iloc[0]))
    logger.info("%s on %s, refine %s, %s", config.method, device, weights.stem if weights else "none", tilt)
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
        retriever = Retriever(
            pixel_pitch_um=source.pixel_pitch_um,
            optics=optics,
            config=config,
            refine=refine,
            tilt=tilt,
            z_tolerance=focus_config.z_tolerance,
            free_memory=partial(free_memory, device),
        )
        frames = Frames(source, sink, retriever, device)
        finder = DistanceFinder(source.pixel_pitch_um, optics, focus_config, config, refine)
        is_followed = (
            focus_config.drift == "auto" and bool(table["is_estimated"].all()) and is_common(channels)
        )
        with part("follow the distance"):
            channels_at = follow(source, channels, finder) if is_followed else (lambda index: channels)
        present = [index for index in range(len(source)) if not source.is_missing[index]]
        for index in sorted(set(range(len(source))) - set(present)):
            frames.leave_out(index)
        misfits = {}
        with write_behind() as behind:
            read = timed("wait for reading", read_ahead(frames.read, present))
            for index, images in followed(read, len(present)):
                with part("retrieve"):
                    found = frames.retrieve(images, channels_at(index))
                with part("wait for writing"):
                    behind(frames.write, index, found, channels_at(index))
                misfits[index] = found.misfit
        for index in out_of_focus(misfits, config.refocus_above):
            with part("refocus"):
                frames.refocus(index, channels_at(index), misfits[index], finder)
