"""A plate that is not parallel to the sensor: its distance is a plane over the field.

A tenth of a degree is 1.7 um/mm, 11 um over 6.4 mm, or 1.1 % of 1 mm; dry mass changes by some 8 % where the
distance is off by 1 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from lensfree.optics.hologram import Channel

UM_PER_MM = 1000.0
OUTLIER_SD = 7.0
"""A robust sd of so few places is itself too small now and then."""
SD_PER_MAD = 1.4826
LEAST_NEAR = 0.7
"""If fewer of the places agree on a plane, the rest are no outliers: the plate is bent."""

LEAST_SD_UM = 0.5
"""Distances found are not taken to be surer than this."""


@dataclass(frozen=True)
class Tilt:
    """How fast the distance to the sensor grows down and to the right; 0 for a parallel plate."""

    y_um_per_mm: float = 0.0
    x_um_per_mm: float = 0.0

    def rise_um(self, y_um: float, x_um: float) -> float:
        """Return the distance at a place, measured from the field's centre, less that at the centre."""
        return (self.y_um_per_mm * y_um + self.x_um_per_mm * x_um) / UM_PER_MM

    def span_um(self, shape_yx: Sequence[int], pixel_pitch_um: float) -> tuple[float, float]:
        """Return by how much the distance differs between the ends of a field, along y and along x."""
        ny, nx = (n * pixel_pitch_um for n in shape_yx)
        return abs(self.rise_um(ny, 0.0)), abs(self.rise_um(0.0, nx))


@dataclass(frozen=True)
class Plane:
    """A plane through distances found in several places.

    Attributes:
        z_um: distance at the field's centre.
        tilt: its slopes.
        tilt_se: standard errors of the slopes [um/mm], for distances no surer than 0.5 um each.
        residual_um: sd of the distances around the plane.
        is_kept: which of the distances were used, bool (place,); the others are outliers.
    """

    z_um: float
    tilt: Tilt
    tilt_se: Tilt
    residual_um: float
    is_kept: np.ndarray


def moved(channels: Sequence[Channel], by_um: float) -> list[Channel]:
    """Return the channels with the sample farther away; lateral shifts grow with the distance.

    The colours' light comes at an angle to each other, so what they are shifted by is in proportion to z.
    """
    return [
        replace(
            channel,
            z_um=channel.z_um + by_um,
            shift_y_um=channel.shift_y_um * (1 + by_um / channel.z_um),
            shift_x_um=channel.shift_x_um * (1 + by_um / channel.z_um),
        )
        if channel.z_um
        else channel
        for channel in channels
    ]


def fit_plane(y_um: np.ndarray, x_um: np.ndarray, z_um: np.ndarray) -> Plane | None:
    """Return the plane through distances z_um at places measured from the field's centre.

    Outliers, such as a region without cells, are left out: of all planes through as many places as it has
    parameters, that with the least median distance to the others says which are farther than 7 sd from it.
    It takes one place more than twice the parameters to tell; with fewer all count.

    Args:
        y_um: places (place,); an axis along which all are the same gets no slope.
        x_um: the same along the other axis.
        z_um: distances (place,); NaN where none was found.

    Returns:
        The least-squares plane through the rest; None where that are no more places than it has parameters.
    """
    axes = [np.asarray(axis, dtype=np.float64) / UM_PER_MM for axis in (y_um, x_um)]
    is_varied = [bool(np.ptp(axis) > 0) for axis in axes]
    varied = [axis for axis, is_so in zip(axes, is_varied, strict=True) if is_so]
    design = np.stack([np.ones_like(axes[0]), *varied], axis=1)
    n_parameters = design.shape[1]
    is_kept = np.isfinite(z_um)
    if is_kept.sum() > 2 * n_parameters:
        is_kept = _inliers(design, z_um, is_kept)
    kept = design[is_kept]
    if len(kept) <= n_parameters or np.linalg.matrix_rank(kept) < n_parameters:
        return None
    found, *_ = np.linalg.lstsq(kept, z_um[is_kept], rcond=None)
    residual_um = (float(np.sum((z_um[is_kept] - kept @ found) ** 2)) / (len(kept) - n_parameters)) ** 0.5
    errors = np.sqrt(np.diag(np.linalg.inv(kept.T @ kept))) * max(residual_um, LEAST_SD_UM)
    return Plane(
        float(found[0]),
        Tilt(**_slopes(found[1:], is_varied)),
        Tilt(**_slopes(errors[1:], is_varied)),
        residual_um,
        is_kept,
    )


def _inliers(design: np.ndarray, z_um: np.ndarray, is_found: np.ndarray) -> np.ndarray:
    """Return which of the distances found are near the plane that most of them agree on, bool (place,)."""
    n_parameters = design.shape[1]
    residuals_um = [
        abs(z_um - design @ np.linalg.solve(design[list(few)], z_um[list(few)]))
        for few in combinations(np.flatnonzero(is_found), n_parameters)
        if np.linalg.matrix_rank(design[list(few)]) == n_parameters
    ]
    if not residuals_um:
        return is_found
    best_um = min(residuals_um, key=lambda each: float(np.median(each[is_found])))
    # Rousseeuw & Leroy, Robust Regression and Outlier Detection (1987), page 202.
    scale = SD_PER_MAD * (1 + 5 / (is_found.sum() - n_parameters))
    sd_um = max(scale * float(np.median(best_um[is_found])), LEAST_SD_UM)
    is_near = is_found & (best_um <= OUTLIER_SD * sd_um)
    return is_near if is_near.sum() >= LEAST_NEAR * is_found.sum() else is_found


def _slopes(values: np.ndarray, is_varied: Sequence[bool]) -> dict[str, float]:
    """Return the slopes by axis, 0 along an axis that was not varied."""
    left = iter(float(value) for value in values)
    names = ("y_um_per_mm", "x_um_per_mm")
    return {name: next(left) if varied else 0.0 for name, varied in zip(names, is_varied, strict=True)}
