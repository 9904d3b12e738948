"""Training crops from a user's own acquisitions, with the classical pipeline's answers as targets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from skimage.transform import resize

from lensfree.cells.measure import measure_cells
from lensfree.cells.representation import draw_representation
from lensfree.config import QuantifyConfig, TrainQuantifyConfig
from lensfree.io.stacks import open_opd
from lensfree.stages.represent import OPD_SCALE_NM


def own_crops(
    stacks: Sequence[Path], config: TrainQuantifyConfig, quantify: QuantifyConfig, model_pitch_um: float
) -> np.ndarray:
    """Return crops (crop, plane, y, x) float16: OPD in the network's unit, then the four maps.

    Args:
        stacks: OPD chunks of the acquisitions; every `own_stride`-th frame is used.
        config: crop size, crops per field, stride and seed.
        quantify: settings of the classical pipeline.
        model_pitch_um: pitch that the network works at; the frames are resampled to it.

    Raises:
        ValueError: if the frames are smaller than a crop.
    """
    rng = np.random.default_rng([config.seed, 1])
    crops = []
    for opd_nm, pitch_um in _frames(stacks, config.own_stride):
        cells = measure_cells(opd_nm, pitch_um, quantify)
        shape_yx = tuple(round(n * pitch_um / model_pitch_um) for n in opd_nm.shape)
        if min(shape_yx) < config.crop_px:
            raise ValueError(
                f"frames of {opd_nm.shape} pixels of {pitch_um} um are {shape_yx} at {model_pitch_um} um, "
                f"smaller than a crop of {config.crop_px}; lower train_quantify.crop_px"
            )
        seen = resize(opd_nm, shape_yx, order=1, anti_aliasing=shape_yx[0] < opd_nm.shape[0]) / OPD_SCALE_NM
        planes = np.concatenate([seen[None], draw_representation(cells, seen.shape, model_pitch_um)])
        room_yx = np.subtract(seen.shape, config.crop_px) + 1
        for top, left in rng.integers(0, room_yx, (config.crops_per_field, 2)):
            crops.append(planes[:, top : top + config.crop_px, left : left + config.crop_px])
    return np.stack(crops).astype(np.float16)


def _frames(stacks: Sequence[Path], stride: int) -> Iterator[tuple[np.ndarray, float]]:
    for path in stacks:
        with open_opd(path) as source:
            for frame, _, opd_nm in source.frames():
                if opd_nm is not None and frame % stride == 0:
                    yield opd_nm, source.pixel_pitch_um
