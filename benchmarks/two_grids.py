"""The same problem on pixels twice as wide, and the way between the two grids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lensfree.config import OpticsConfig, ReconstructConfig
from lensfree.optics.hologram import Channel, PaddedGrid
from lensfree.phase.problem import Problem
from lensfree.simulate.real_cells import block_mean, upsample


def halved_problem(
    intensity: np.ndarray,
    channels: Sequence[Channel],
    *,
    pixel_pitch_um: float,
    optics: OpticsConfig,
    config: ReconstructConfig,
    saturated: np.ndarray | None = None,
) -> Problem:
    """Return the problem of the intensity (channel, y, x) binned 2 x 2; one saturated pixel saturates a bin.

    A step between pixels is twice as high there and pixels are four times fewer: half the weight and twice
    the eps make total variation the same functional of a smooth map, per pixel, as on the fine grid.

    Raises:
        ValueError: a side is odd.
    """
    if any(n % 2 for n in intensity.shape[-2:]):
        raise ValueError(f"got a field of {intensity.shape[-2:]} pixels (y, x), expected even sides: crop it")
    wider = {
        "tv_weight": config.tv_weight / 2,
        "tv_eps_nm": config.tv_eps_nm * 2,
        "absorption_tv_weight": config.absorption_tv_weight / 2,
        "absorption_tv_eps": config.absorption_tv_eps * 2,
    }
    binned = np.stack([block_mean(plane, 2) for plane in intensity])
    if saturated is not None:
        saturated = np.stack([block_mean(plane, 2) > 0 for plane in saturated])
    config = config.model_copy(update=wider)
    return Problem.build(binned, channels, 2 * pixel_pitch_um, optics, config, saturated)


def to_coarse(unknowns: np.ndarray, fine: PaddedGrid, coarse: PaddedGrid) -> np.ndarray:
    """Return the unknowns (plane, y, x) of the fine grid on the coarse one; recorded fields meet exactly."""
    aligned = _moved(unknowns, fine.window, [2 * n for n in coarse.padded_yx], coarse.window, 2)
    return np.stack([block_mean(plane, 2) for plane in aligned])


def to_fine(unknowns: np.ndarray, coarse: PaddedGrid, fine: PaddedGrid) -> np.ndarray:
    """Return the unknowns (plane, y, x) of the coarse grid on the fine one."""
    finer = np.stack([upsample(plane, 2) for plane in unknowns])
    doubled = (..., *(slice(2 * s.start, 2 * s.stop) for s in coarse.window[1:]))
    return _moved(finer, doubled, list(fine.padded_yx), fine.window, 1)


def _moved(
    image: np.ndarray,
    window: tuple[Any, ...],
    shape_yx: list[int],
    target: tuple[Any, ...],
    scale: int,
) -> np.ndarray:
    """Return the image cut and continued by its edges so that its window begins where the target's does."""
    for axis, (own, wanted, size) in enumerate(zip(window[1:], target[1:], shape_yx, strict=True), start=-2):
        shift = scale * wanted.start - own.start
        index = np.clip(np.arange(size) - shift, 0, image.shape[axis] - 1)
        image = np.take(image, index, axis=axis)
    return image
