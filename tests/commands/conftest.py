"""Results of one simulated acquisition of which only OPD and holograms are there, and one only loaded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lensfree.io.stacks import create_holograms, create_opd

SHAPE_YX = (20, 30)
PITCH_UM = 2.0
INTERVAL_H = 0.5


@pytest.fixture
def results(tmp_path) -> Path:
    folder = tmp_path / "results" / "dish"
    made = {"rule": "reconstruct", "optics": {"n_medium": 1.33}}
    for first in (0, 2):
        with create_opd(
            folder / "opd" / f"000{first // 2}.h5",
            n_frames=2,
            first_frame=first,
            shape_yx=SHAPE_YX,
            pixel_pitch_um=PITCH_UM,
            provenance=made,
        ) as writer:
            for index in range(2):
                image = np.full(SHAPE_YX, 10.0 * (first + index))
                writer.write(index, time_h=(first + index) * INTERVAL_H, opd_nm=image)
    with create_holograms(
        folder / "holograms" / "0000.h5",
        n_frames=1,
        first_frame=0,
        dtype=np.uint8,
        background=np.ones((2, *SHAPE_YX), dtype=np.float32),
        channels=["R", "B"],
        wavelength_nm=(640.0, 450.0),
        pixel_pitch_um=PITCH_UM,
        sources=[["made"]],
    ):
        pass
    (folder / "truth.parquet").touch()
    (tmp_path / "results" / "loaded" / "holograms").mkdir(parents=True)
    return tmp_path / "results"
