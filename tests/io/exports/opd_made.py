"""Synthetic OPD of a small field in two chunks, with a missing frame and an odd number of rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lensfree.config import StorageConfig
from lensfree.io.stacks import create_opd

SHAPE_YX = (71, 530)
PITCH_UM = 1.67
INTERVAL_H = 0.25
MISSING = 3
FIRST_FRAMES = (0, 2)
N_FRAMES = 5
Z_UM = 987.5
ABOUT = {"wavelength_nm": [640.0, 450.0], "n_medium": 1.33, "words": 'a <b> & "c"'}


def opd_nm(frame: int) -> np.ndarray:
    """Return a map with values on the grid of 0.1 nm, negative ones among them."""
    rng = np.random.default_rng(frame)
    return (rng.integers(-500, 3000, SHAPE_YX) / 10).astype(np.float32)


def write_chunks(folder: Path, step_nm: tuple[float, float] = (0.1, 0.1)) -> list[Path]:
    """Write two chunks and return their paths, the later first."""
    paths = []
    for first, end, step in zip(FIRST_FRAMES, (2, N_FRAMES), step_nm, strict=True):
        paths.append(folder / f"{first:04d}.h5")
        with create_opd(
            paths[-1],
            n_frames=end - first,
            first_frame=first,
            shape_yx=SHAPE_YX,
            pixel_pitch_um=PITCH_UM,
            storage=StorageConfig(opd_step_nm=step),
        ) as writer:
            for frame in range(first, end):
                is_missing = frame == MISSING
                writer.write(
                    frame - first,
                    time_h=frame * INTERVAL_H,
                    opd_nm=None if is_missing else opd_nm(frame),
                    z_um=np.nan if is_missing else Z_UM,
                )
    return paths[::-1]
