"""Stage simulate: a culture with known truth -> the TIFF files that a microscope would write."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from lensfree.acquisitions import Acquisition
from lensfree.config import OpticsConfig, SimulateConfig
from lensfree.contracts import FAULTS, TRUTH
from lensfree.io.files import folder_written_whole
from lensfree.io.tables import write_table
from lensfree.progress import followed
from lensfree.simulate.faults import draw_faults
from lensfree.simulate.recording import record_frames
from lensfree.simulate.world import simulate_world
from lensfree.sources import fill
from lensfree.units import MIN_PER_H

logger = logging.getLogger(__name__)


def run(
    *,
    acquisition: Acquisition,
    config: SimulateConfig,
    optics: OpticsConfig,
    out_dir: Path,
    truth: Path,
    faults: Path,
    provenance: Mapping[str, Any],
) -> None:
    """Write a TIFF per frame and colour, the cells whose centre lies in the field, and what went wrong.

    Raises:
        ValueError: if the configuration asks for acquisition errors for which there is no room.
    """
    pitch_um, interval_min = acquisition.pixel_pitch_um, acquisition.frame_interval_min
    shape_um = (config.height_px * pitch_um, config.width_px * pitch_um)
    world_rng, optics_rng, camera_rng, fault_rng = (
        np.random.default_rng([config.seed, part]) for part in range(4)
    )
    planned = draw_faults(
        config, channels=acquisition.channels, frame_interval_min=interval_min, rng=fault_rng
    )
    world = simulate_world(config, shape_um=shape_um, frame_interval_min=interval_min, rng=world_rng)
    world = planned.displace(world)
    recorded = record_frames(
        world,
        planned,
        config,
        optics=optics,
        wavelength_nm=acquisition.wavelength_nm,
        pixel_pitch_um=pitch_um,
        step_h=interval_min / MIN_PER_H,
        optics_rng=optics_rng,
        camera_rng=camera_rng,
    )
    pattern = Path(acquisition.files).relative_to(out_dir).as_posix()
    with folder_written_whole(out_dir) as folder:
        folder.mkdir()
        for frame, counts in enumerate(followed(recorded, config.frames)):
            for name, image, kept in zip(acquisition.channels, counts, planned.kept[frame], strict=True):
                path = folder / fill(pattern, frame=f"{frame:04d}", channel=name)
                path.parent.mkdir(parents=True, exist_ok=True)
                tifffile.imwrite(path, image)
                if kept < 1:
                    os.truncate(path, int(kept * path.stat().st_size))
    for error in planned.table.itertuples():
        logger.info("frame %d: %s %s %.3g", error.frame, error.kind, error.channel, error.amount)
    is_inside = world["y_um"].between(0, shape_um[0]) & world["x_um"].between(0, shape_um[1])
    write_table(truth, world.loc[is_inside, list(TRUTH.columns)], TRUTH, provenance=provenance)
    write_table(faults, planned.table, FAULTS, provenance=provenance)
