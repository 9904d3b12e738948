"""The CNN of quantification, as the callable that stage quantify takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from skimage.transform import resize

from lensfree.arrays import Device, to_device, to_numpy
from lensfree.cells.representation import MEASURES
from lensfree.model_files import ModelError
from lensfree.nets.plain_cnn import apply_cnn
from lensfree.nets.weights import load_cnn, read_card

Represent = Callable[[np.ndarray, float], np.ndarray]

OPD_SCALE_NM = 100.0
_SAME_PITCH = 0.01


def load_represent(weights: Path, device: Device = "cpu") -> Represent:
    """Return (opd_nm (y, x), pixel_pitch_um) -> maps (4, y, x).

    The network has learnt cells at one pixel pitch; an OPD map of another is resampled to it, and the
    maps back, so that discs keep their size in um.

    Raises:
        ModelError: if the weights do not map OPD to the measures of a cell, or do not say their pitch.
    """
    model = load_cnn(weights, channels=(1, len(MEASURES)))
    card = read_card(weights)
    if "pixel_pitch_um" not in card:
        raise ModelError(f"{weights}: the header has no 'pixel_pitch_um'; train the model again")
    model_pitch_um = float(card["pixel_pitch_um"])

    def represent(opd_nm: np.ndarray, pixel_pitch_um: float) -> np.ndarray:
        ratio = pixel_pitch_um / model_pitch_um
        is_same = abs(ratio - 1) < _SAME_PITCH
        shape_yx = opd_nm.shape if is_same else tuple(max(round(n * ratio), 1) for n in opd_nm.shape)
        seen_nm = opd_nm if is_same else resize(opd_nm, shape_yx, order=1, anti_aliasing=ratio < 1)
        maps = to_numpy(apply_cnn(model, to_device(seen_nm[None] / OPD_SCALE_NM, device)))
        return maps if is_same else resize(maps, (len(maps), *opd_nm.shape), order=1)

    return represent
