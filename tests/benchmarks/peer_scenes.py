"""A small synthetic sample with known OPD, and the holograms that coherent light makes of it."""

from __future__ import annotations

import numpy as np
from peer_cases import Case

from lensfree.config import Config, OpticsConfig, ReconstructConfig
from lensfree.optics.hologram import Channel, build_transfers
from lensfree.optics.propagation import propagate
from lensfree.stages.evaluate_beads import LASER

SHAPE_YX = (72, 100)
PITCH_UM = 1.67
LIGHT = OpticsConfig(**LASER)
TWO_DISTANCES = [Channel(540.0, 250.0), Channel(540.0, 400.0)]
RGB = [Channel(640.0, 250.0), Channel(540.0, 250.0, 2.0, -3.0), Channel(450.0, 250.0, -1.0, 2.5)]


def bumps_nm(peak_nm=90.0):
    """Two round cells that no rotation, transposition or mirroring leaves as they are."""
    y, x = np.mgrid[: SHAPE_YX[0], : SHAPE_YX[1]]
    bump = [
        height * np.exp(-((((y - cy) / 7) ** 2 + ((x - cx) / 9) ** 2) ** 2))
        for cy, cx, height in ((25, 32, 1.0), (47, 68, 0.6))
    ]
    return peak_nm * np.sum(bump, axis=0)


def case(channels, opd_nm):
    transfers = build_transfers(channels, np.empty(SHAPE_YX, complex), pixel_pitch_um=PITCH_UM, optics=LIGHT)
    intensity = [
        abs(propagate(np.exp(2j * np.pi * opd_nm / channel.wavelength_nm), transfer)) ** 2
        for channel, transfer in zip(channels, transfers, strict=True)
    ]
    config = Config(optics=LIGHT, reconstruct=ReconstructConfig(device="cpu", method="reference"))
    return Case("beads3", np.stack(intensity).astype(np.float32), channels, PITCH_UM, config, opd_nm)


def correlation(found, true):
    return np.corrcoef(found.ravel(), true.ravel())[0, 1]
