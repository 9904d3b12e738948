"""The plate's tilt: the distance found in several places of a wide field."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import numpy as np

from lensfree import arrays
from lensfree.optics.hologram import Channel
from lensfree.optics.plate import Tilt, fit_plane, moved
from lensfree.stages.distance import DistanceFinder

logger = logging.getLogger(__name__)

PLACES = 3
"""Places along a side that is long enough for as many regions of focus.field_px."""

SURE_SE = 3.0
"""A slope of fewer standard errors is none."""


def find_plate(
    intensity: np.ndarray, saturated: np.ndarray, channels: list[Channel], finder: DistanceFinder
) -> tuple[list[Channel], Tilt]:
    """Return the channels at the field's centre and the tilt, from 3 x 3 places, or 3 along the long side.

    Args:
        intensity: normalised (channel, y, x), in host memory.
        saturated: where the camera saturated, same shape.
        channels: at the distance found in the middle of the field.
        finder: settles the distance of each place, with 3 to 10 retrievals of field_px squared.

    Returns:
        Channels as they are and no tilt where the field is narrow or the distances do not make a plane. The
        tilt is 0 where it is not sure, or so small that one distance serves the whole field.
    """
    config, pitch_um = finder.config, finder.pixel_pitch_um
    shape_yx, z_um = intensity.shape[-2:], channels[0].z_um
    windows = list(_places(shape_yx, config.field_px))
    if len(windows) == 1:
        return channels, Tilt()
    device = arrays.resolve_device(finder.reconstruct.device)
    found_um = []
    for window in windows:
        place, at_the_top = (
            arrays.to_device(np.ascontiguousarray(image[:, *window]), device)
            for image in (intensity, saturated)
        )
        settled = finder.settle(place, channels, at_the_top)
        found_um.append(np.nan if settled is None else settled[0].z_um)
    logger.info("distances over the field, row by row: %s um", np.round(found_um, 1).tolist())
    offsets_um = np.array(
        [
            [(axis.start + axis.stop - n) / 2 * pitch_um for axis, n in zip(window, shape_yx, strict=True)]
            for window in windows
        ]
    )
    plane = fit_plane(offsets_um[:, 0], offsets_um[:, 1], np.array(found_um))
    if plane is None:
        logger.warning("too few places of the field have a clear focus; one distance is taken for all of it")
        return channels, Tilt()
    if plane.residual_um > config.z_tolerance * z_um:
        logger.warning(
            "distances over the field are %.1f um (sd) off a plane, %.2f %% of z: the plate may be bent",
            plane.residual_um,
            100 * plane.residual_um / z_um,
        )
    tilt = Tilt(
        _sure(plane.tilt.y_um_per_mm, plane.tilt_se.y_um_per_mm),
        _sure(plane.tilt.x_um_per_mm, plane.tilt_se.x_um_per_mm),
    )
    if sum(tilt.span_um(shape_yx, pitch_um)) <= 2 * config.z_tolerance * z_um:
        tilt = Tilt()
    logger.info("%s, used as %s", plane, tilt)
    return moved(channels, plane.z_um - z_um), tilt


def _places(shape_yx: tuple[int, ...], field_px: int) -> Iterator[tuple[slice, slice]]:
    """Yield rows and columns of regions of field_px, from edge to edge of the long sides."""
    rows, columns = (_spans(n, field_px) for n in shape_yx)
    for row in rows:
        for column in columns:
            yield row, column


def _spans(side_px: int, field_px: int) -> list[slice]:
    length = min(field_px, side_px)
    count = PLACES if side_px >= PLACES * field_px else 1
    starts = np.linspace(0, side_px - length, count) if count > 1 else [(side_px - length) // 2]
    return [slice(int(start), int(start) + length) for start in starts]


def _sure(slope: float, se: float) -> float:
    return slope if abs(slope) > SURE_SE * se else 0.0
