"""Small synthetic scenes with known OPD and the holograms that the model itself predicts of them."""

from __future__ import annotations

import numpy as np

from lensfree.config import OpticsConfig, ReconstructConfig
from lensfree.optics.hologram import Channel, build_transfers
from lensfree.optics.propagation import propagate

PITCH_UM = 1.67
OPTICS = OpticsConfig()
CONFIG = ReconstructConfig()
RGB = (Channel(450.0, 1000.0), Channel(540.0, 1000.0, 3.0, -2.0), Channel(640.0, 1000.0))
SHAPE_YX = (96, 144)
MARGIN_PX = 60


def cells_opd_nm(is_with_wrapped: bool = False) -> np.ndarray:
    """Return a field with a margin of empty medium: flat cells, and one that wraps if asked for."""
    y, x = np.mgrid[: SHAPE_YX[0] + 2 * MARGIN_PX, : SHAPE_YX[1] + 2 * MARGIN_PX].astype(float)
    opd_nm = np.zeros(y.shape)
    for cell_y, cell_x, peak_nm in [(25, 30, 90), (70, 45, 130), (30, 105, 70), (75, 118, 110)]:
        radius4 = (((y - MARGIN_PX - cell_y) / 6) ** 2 + ((x - MARGIN_PX - cell_x) / 8) ** 2) ** 2
        opd_nm += peak_nm * np.exp(-radius4)
    if is_with_wrapped:
        radius2 = ((y - MARGIN_PX - 48) ** 2 + (x - MARGIN_PX - 76) ** 2) / 5.0**2
        opd_nm += 620 * np.sqrt(np.clip(1 - radius2, 0, None))
    return opd_nm


def recorded(image: np.ndarray) -> np.ndarray:
    """Return the part of a field that the sensor sees."""
    return image[..., MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX]


def holograms(opd_nm: np.ndarray, absorption: np.ndarray, channels=RGB, noise: float = 0.01) -> np.ndarray:
    """Return the recorded intensity (channel, y, x), float32, of a field with its margin."""
    transfers = build_transfers(
        channels, np.empty(opd_nm.shape, complex), pixel_pitch_um=PITCH_UM, optics=OPTICS
    )
    intensity = np.stack(
        [
            abs(propagate(np.exp(-absorption + 2j * np.pi * opd_nm / channel.wavelength_nm), transfer)) ** 2
            for channel, transfer in zip(channels, transfers, strict=True)
        ]
    )
    noisy = intensity + noise * np.random.default_rng(8).standard_normal(intensity.shape)
    return recorded(noisy).astype(np.float32)
