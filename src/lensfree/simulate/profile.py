"""The OPD profile of one cell: a plate with a steep edge, a nucleus, and how to weigh them.

A cell is `s * dome + t * plate`. The plate rises steeply at the edge and carries a faint texture; the
dome is the nucleus, or two, with nucleoli. As a cell rounds up both turn into caps, (1 - r^2)^1.5 and
(1 - r^2)^0.5. The two weights are solved from the pixels of the whole patch, so that the sum is exactly
the optical volume (dry mass times 0.18 um3/pg) and the highest pixel exactly `max_opd_nm`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numba import njit

from lensfree.simulate.outline import Outline
from lensfree.units import NM_PER_UM, SPECIFIC_REFRACTION_INCREMENT_UM3_PER_PG

EDGE_UM = 2.2
NUCLEUS_AREA_FRACTION = 0.24
TEXTURE = 0.12
_FITS = 12


def draw_profile(
    cell: dict[str, Any],
    outline: Outline,
    patch_yx: tuple[int, int],
    first_y_um: float,
    first_x_um: float,
    pitch: float,
) -> np.ndarray:
    """Return one cell's OPD on a patch that holds the whole cell.

    Args:
        cell: a truth row; `dry_mass_pg, max_opd_nm, area_um2, length_um, angle_rad, roundness, nuclei,
            shape_seed, shape_time_h` are used.
        outline: its outline, from `fit_outline`.
        patch_yx: pixels of the patch.
        first_y_um: first row relative to the centroid [um].
        first_x_um: first column relative to the centroid [um].
        pitch: pixel pitch [um].

    Returns:
        float64 (y, x) [nm].
    """
    features = _features(cell, outline)
    volume = cell["dry_mass_pg"] * SPECIFIC_REFRACTION_INCREMENT_UM3_PER_PG * NM_PER_UM / pitch**2
    patch = np.zeros(patch_yx, np.float64)
    _fit_patch(
        patch,
        outline.radii,
        np.linalg.inv(outline.to_plane),
        features,
        first_y_um - outline.centre_xy_um[1],
        first_x_um - outline.centre_xy_um[0],
        pitch,
        float(cell["roundness"]),
        float(volume),
        float(cell["max_opd_nm"]),
    )
    return patch


def _features(cell: dict[str, Any], outline: Outline) -> np.ndarray:
    """Return nuclei, nucleoli and texture of a cell as one flat array for the compiled loop.

    Order: nucleus angle cosine and sine, semi-axes, centres of two nuclei (x, y each, relative to the
    star centre), two nucleoli relative to a nucleus in units of its semi-axes,
    wave vectors and phases of the texture.
    """
    draws = _draws(int(cell["shape_seed"]))
    time_h, spread = float(cell["shape_time_h"]), 1.0 - float(cell["roundness"])
    aspect = min(cell["length_um"] / outline.width_um, 2.2) ** 0.5
    is_double = cell["nuclei"] > 1
    area = cell["area_um2"] * NUCLEUS_AREA_FRACTION * (0.8 + 0.4 * draws[0]) * (0.6 if is_double else 1.0)
    semi_b = np.sqrt(area / np.pi / aspect)
    angle = cell["angle_rad"]
    along = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-along[1], along[0]])
    walk = np.sin(2 * np.pi * draws[1:3] + (0.15 + 0.3 * draws[3:5]) * time_h)
    middle = spread * (
        along * 0.09 * cell["length_um"] * walk[0] + across * 0.07 * outline.width_um * walk[1]
    )
    middle = middle - outline.centre_xy_um
    apart = along * 0.19 * cell["length_um"] if is_double else np.zeros(2)
    nucleoli = 0.75 * (draws[5:9] - 0.5)
    wave_per_um = 2 * np.pi / (5.0 + 4.0 * draws[9:11])
    first, second = 2 * np.pi * draws[11], 2 * np.pi * draws[11] + 1.0 + draws[12]
    waves = [wave_per_um[0] * np.cos(first), wave_per_um[0] * np.sin(first)]
    waves += [wave_per_um[1] * np.cos(second), wave_per_um[1] * np.sin(second)]
    phases = 2 * np.pi * draws[[13, 14]]
    return np.concatenate(
        [along, [semi_b * aspect, semi_b], middle + apart, middle - apart, nucleoli, waves, phases]
    )


@lru_cache(maxsize=8192)
def _draws(shape_seed: int) -> np.ndarray:
    return np.random.default_rng(shape_seed + 2).random(15)


@njit(cache=True, fastmath=True)
def _fit_patch(
    patch: np.ndarray,
    radii: np.ndarray,
    to_unit: np.ndarray,
    features: np.ndarray,
    first_y_um: float,
    first_x_um: float,
    pitch: float,
    roundness: float,
    volume: float,
    max_opd_nm: float,
) -> None:
    """Fill the patch; narrow the edge or the nucleus where volume and maximum ask for it."""
    dome = np.zeros_like(patch)
    plate = np.zeros_like(patch)
    edge_um, nucleus_scale, texture = EDGE_UM, 1.0, TEXTURE
    s = t = 0.0
    for _ in range(_FITS):
        _fill_bases(
            dome,
            plate,
            radii,
            to_unit,
            features,
            first_y_um,
            first_x_um,
            pitch,
            roundness,
            edge_um,
            nucleus_scale,
            texture,
        )
        dome_sum, plate_sum = dome.sum(), plate.sum()
        top = dome.argmax()
        for _ in range(3):
            dome_top, plate_top = dome.flat[top], plate.flat[top]
            determinant = dome_sum * plate_top - plate_sum * dome_top
            if abs(determinant) < 1e-9:
                break
            s = (volume * plate_top - plate_sum * max_opd_nm) / determinant
            t = (dome_sum * max_opd_nm - volume * dome_top) / determinant
            patch[:] = s * dome + t * plate
            found = patch.argmax()
            if found == top:
                break
            top = found
        if s < 0:
            edge_um, texture = 0.7 * edge_um, 0.6 * texture
        elif t < 0:
            nucleus_scale *= 0.85
        else:
            return
    # Beyond what the bases can do: keep the dry mass, let the maximum go.
    patch[:] = plate * (volume / plate_sum) if s < 0 else dome * (volume / dome_sum)


@njit(cache=True, fastmath=True)
def _fill_bases(
    dome: np.ndarray,
    plate: np.ndarray,
    radii: np.ndarray,
    to_unit: np.ndarray,
    features: np.ndarray,
    first_y_um: float,
    first_x_um: float,
    pitch: float,
    roundness: float,
    edge_um: float,
    nucleus_scale: float,
    texture: float,
) -> None:
    n = radii.size
    cos, sin = features[0], features[1]
    semi_a, semi_b = features[2] * nucleus_scale, features[3] * nucleus_scale
    for row in range(dome.shape[0]):
        y = first_y_um + row * pitch
        for col in range(dome.shape[1]):
            x = first_x_um + col * pitch
            dome[row, col] = 0.0
            plate[row, col] = 0.0
            u = to_unit[0, 0] * x + to_unit[0, 1] * y
            v = to_unit[1, 0] * x + to_unit[1, 1] * y
            r = np.sqrt(u * u + v * v)
            if r > 2.0:
                continue
            at = np.arctan2(v, u) / (2 * np.pi) * n
            if at < 0:
                at += n
            low = int(at)
            part = at - low
            radius = radii[low % n] * (1 - part) + radii[(low + 1) % n] * part
            rho = r / radius
            if rho >= 1.0:
                continue
            # Distance to the edge: (1 - rho) over the slope of rho, the outline's own bumps left out.
            slope = 1.0 / radius
            if r > 1e-9:
                gx = (to_unit[0, 0] * u + to_unit[1, 0] * v) / r
                gy = (to_unit[0, 1] * u + to_unit[1, 1] * v) / r
                slope = np.sqrt(gx * gx + gy * gy) / radius
            inside_um = (1.0 - rho) / slope
            rise = 1.0
            if inside_um < edge_um:
                rise = 1.0 - (1.0 - inside_um / edge_um) ** 2
            nucleus = 0.0
            for k in range(2):
                px, py = x - features[4 + 2 * k], y - features[5 + 2 * k]
                a, b = (cos * px + sin * py) / semi_a, (cos * py - sin * px) / semi_b
                q = a * a + b * b
                if q > 9.0:
                    continue
                level = np.exp(-0.7 * q**1.5)
                for m in range(2):
                    da, db = a - features[8 + 2 * m], b - features[9 + 2 * m]
                    level += 0.2 * np.exp(-12.0 * (da * da + db * db))
                nucleus = max(nucleus, level)
            grain = 0.5 * np.sin(features[12] * x + features[13] * y + features[16])
            grain += 0.5 * np.sin(features[14] * x + features[15] * y + features[17])
            cap = 1.0 - rho * rho
            root = np.sqrt(cap)
            flat = 1.0 - roundness
            dome[row, col] = flat * rise * nucleus / 1.1 + roundness * cap * root
            plate[row, col] = (
                flat * rise * (1.0 - texture * (0.5 + 0.5 * grain) * max(0.0, 1.0 - nucleus))
                + roundness * root
            )
