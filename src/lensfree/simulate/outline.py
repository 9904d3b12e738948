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
from functools import lru_cache

import numpy as np
from numba import njit

N_ANGLES = 96
ORDERS = np.arange(2, 8)
AMPLITUDES = np.array([0.05, 0.14, 0.09, 0.05, 0.035, 0.02])
POINTED_ENDS = 0.05
SMALLEST_RADIUS = 0.3
_ANGLES = 2 * np.pi * np.arange(N_ANGLES) / N_ANGLES
_COS, _SIN = np.cos(ORDERS[:, None] * _ANGLES), np.sin(ORDERS[:, None] * _ANGLES)
_POINTS = POINTED_ENDS * np.cos(4 * _ANGLES)


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

    def corners_xy_um(self) -> np.ndarray:
        """Return the corners of the polygon (corner, xy) relative to the centroid of the area [um]."""
        unit = self.radii[:, None] * np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)
        return unit @ self.to_plane.T + self.centre_xy_um


def unit_radii(shape_seed: int, shape_time_h: float, roundness: float) -> np.ndarray:
    """Return the radii of the unit outline; a circle where roundness is 1."""
    draws = _draws(int(shape_seed))
    turn_rad_per_h = 0.5 * (draws[0] - 0.5)
    swell = 0.75 + 0.25 * np.sin(2 * np.pi * draws[1] + (0.2 + 0.5 * draws[2]) * shape_time_h)
    phases = 2 * np.pi * draws[3] + turn_rad_per_h * shape_time_h
    sizes = AMPLITUDES * swell
    bumps = (sizes * np.cos(phases)) @ _COS - (sizes * np.sin(phases)) @ _SIN + _POINTS
    return np.maximum(1.0 + (1.0 - roundness) * bumps, SMALLEST_RADIUS)


@lru_cache(maxsize=8192)
def _draws(shape_seed: int) -> np.ndarray:
    return np.random.default_rng(shape_seed).random((4, ORDERS.size))


@njit(cache=True)
def radial_moments(radii: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Return area, centroid and second central moments per area of the polygon of equally spaced radii."""
    n = radii.size
    area = 0.0
    first = np.zeros(2)
    second = np.zeros((2, 2))
    for k in range(n):
        nxt = (k + 1) % n
        x, y = radii[k] * np.cos(2 * np.pi * k / n), radii[k] * np.sin(2 * np.pi * k / n)
        u, v = radii[nxt] * np.cos(2 * np.pi * nxt / n), radii[nxt] * np.sin(2 * np.pi * nxt / n)
        cross = x * v - u * y
        area += cross / 2
        first[0] += (x + u) * cross / 6
        first[1] += (y + v) * cross / 6
        second[0, 0] += (x * x + x * u + u * u) * cross / 12
        second[1, 1] += (y * y + y * v + v * v) * cross / 12
        second[0, 1] += (x * v + 2 * x * y + 2 * u * v + u * y) * cross / 24
    centroid = first / area
    second[1, 0] = second[0, 1]
    for i in range(2):
        for j in range(2):
            second[i, j] = second[i, j] / area - centroid[i] * centroid[j]
    return area, centroid, second


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
    area, centroid, second = radial_moments(radii)
    values, vectors = np.linalg.eigh(second)
    whiten = vectors @ np.diag(values**-0.5) @ vectors.T
    white_area = area * float(np.linalg.det(whiten))
    width_um = 16.0 * area_um2 / (white_area * length_um)
    if width_um > length_um * (1 + 1e-6):
        shortest_um = shortest_length_um(shape_seed, shape_time_h, roundness, area_um2)
        raise ValueError(
            f"length_um={length_um:.2f} is too short for area_um2={area_um2:.1f}: the minor axis would be "
            f"{width_um:.2f} um; give at least {shortest_um:.2f}"
        )
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    turn = np.array([[cos, -sin], [sin, cos]])
    to_plane = turn @ np.diag([length_um / 4, width_um / 4]) @ whiten
    return Outline(radii, to_plane, -to_plane @ centroid, width_um)


def shortest_length_um(shape_seed: int, shape_time_h: float, roundness: float, area_um2: float) -> float:
    """Return the major axis at which both axes of this outline are equal."""
    area, _, second = radial_moments(unit_radii(shape_seed, shape_time_h, roundness))
    determinant = second[0, 0] * second[1, 1] - second[0, 1] * second[1, 0]
    return float(4 * (area_um2 / area) ** 0.5 * determinant**0.25)
