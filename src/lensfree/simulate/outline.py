"""Outlines of synthetic cells: a few slowly turning harmonics, scaled to an exact area and length.

An outline is star-shaped about a centre: radius 1 + sum_k c_k(t) cos(k angle + phase_k(t)). The
coefficients come from the cell's `shape_seed` and change smoothly with `shape_time_h`, so that a cell
keeps its character while its edge crawls. The polygon is then mapped by the one affine map that gives
it the wanted area and the wanted major axis. Lengths follow the convention of scikit-image's
`axis_major_length`: four times the square root of the larger eigenvalue of the second central moments
of the area, which for an ellipse is its full major axis.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

N_ANGLES = 96
ORDERS = np.arange(2, 8)
AMPLITUDES = np.array([0.05, 0.14, 0.09, 0.05, 0.035, 0.02])
POINTED_ENDS = 0.05
SMALLEST_RADIUS = 0.3
_ANGLES = 2 * np.pi * np.arange(N_ANGLES) / N_ANGLES


@dataclass(frozen=True)
class Outline:
    """A unit outline and the map to the plane.

    Attributes:
        radii: (N_ANGLES,) radius of the unit outline at equally spaced angles.
        to_plane: (2, 2) matrix from unit coordinates (x, y) to um (x, y) about the star centre.
        centre_xy_um: star centre relative to the centroid of the area [um].
        width_um: minor axis, by the convention of `axis_minor_length` [um].
    """

    radii: np.ndarray
    to_plane: np.ndarray
    centre_xy_um: np.ndarray
    width_um: float


def unit_radii(shape_seed: int, shape_time_h: float, roundness: float) -> np.ndarray:
    """Return the radii of the unit outline; a circle where roundness is 1."""
    rng = np.random.default_rng(int(shape_seed))
    draws = rng.random((4, ORDERS.size))
    turn_rad_per_h = 0.5 * (draws[0] - 0.5)
    swell = 0.75 + 0.25 * np.sin(2 * np.pi * draws[1] + (0.2 + 0.5 * draws[2]) * shape_time_h)
    phases = 2 * np.pi * draws[3] + turn_rad_per_h * shape_time_h
    waves = (AMPLITUDES * swell)[:, None] * np.cos(ORDERS[:, None] * _ANGLES + phases[:, None])
    bumps = waves.sum(axis=0) + POINTED_ENDS * np.cos(4 * _ANGLES)
    return np.maximum(1.0 + (1.0 - roundness) * bumps, SMALLEST_RADIUS)


def polygon_moments(xy: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Return area, centroid and second central moments per area of a closed polygon (point, xy)."""
    x, y = xy.T
    x_next, y_next = np.roll(x, -1), np.roll(y, -1)
    cross = x * y_next - x_next * y
    area = cross.sum() / 2
    centroid = np.array([((x + x_next) * cross).sum(), ((y + y_next) * cross).sum()]) / (6 * area)
    xx = ((x * x + x * x_next + x_next * x_next) * cross).sum() / 12
    yy = ((y * y + y * y_next + y_next * y_next) * cross).sum() / 12
    xy_ = ((x * y_next + 2 * x * y + 2 * x_next * y_next + x_next * y) * cross).sum() / 24
    second = np.array([[xx, xy_], [xy_, yy]]) / area - np.outer(centroid, centroid)
    return float(area), centroid, second


def fit_outline(
    *,
    shape_seed: int,
    shape_time_h: float,
    roundness: float,
    area_um2: float,
    length_um: float,
    angle_rad: float,
) -> Outline:
    """Return the outline with this area and this major axis, turned by `angle_rad` from x towards y.

    Raises:
        ValueError: where the area and length would make the minor axis longer than the major one.
    """
    radii = unit_radii(shape_seed, shape_time_h, roundness)
    polygon = radii[:, None] * np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)
    area, centroid, second = polygon_moments(polygon)
    values, vectors = np.linalg.eigh(second)
    whiten = vectors @ np.diag(values**-0.5) @ vectors.T
    white_area = area * float(np.linalg.det(whiten))
    width_um = 16.0 * area_um2 / (white_area * length_um)
    if width_um > length_um * (1 + 1e-6):
        raise ValueError(
            f"length_um={length_um:.2f} is too short for area_um2={area_um2:.1f}: the minor axis would be "
            f"{width_um:.2f} um; give at least {shortest_length_um(shape_seed, shape_time_h, roundness, area_um2):.2f}"
        )
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    turn = np.array([[cos, -sin], [sin, cos]])
    to_plane = turn @ np.diag([length_um / 4, width_um / 4]) @ whiten
    return Outline(radii, to_plane, -to_plane @ centroid, width_um)


def shortest_length_um(shape_seed: int, shape_time_h: float, roundness: float, area_um2: float) -> float:
    """Return the major axis at which both axes of this outline are equal."""
    radii = unit_radii(shape_seed, shape_time_h, roundness)
    polygon = radii[:, None] * np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)
    area, _, second = polygon_moments(polygon)
    return float(4 * np.sqrt(area_um2 / area) * np.linalg.det(second) ** 0.25)
