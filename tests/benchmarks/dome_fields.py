"""A small synthetic OPD map of domes whose measures are known exactly, two of which touch."""

from __future__ import annotations

from math import pi

import numpy as np
import pandas as pd
from quantification_scenes import Scene

from lensfree.units import NM_PER_UM, SPECIFIC_REFRACTION_INCREMENT_UM3_PER_PG

SHAPE_YX = (150, 210)
PITCH_UM = 1.67
DOMES = (
    # y_um, x_um, semi-axes along y and x in um, peak in nm
    (40.0, 45.0, 9.0, 13.0, 90.0),
    (60.0, 120.0, 14.0, 10.0, 75.0),
    (50.0, 200.0, 10.0, 10.0, 110.0),
    (130.0, 70.0, 12.0, 12.0, 80.0),
    (130.0, 88.0, 12.0, 11.0, 85.0),
    (180.0, 160.0, 9.0, 15.0, 95.0),
    (140.0, 270.0, 15.0, 11.0, 70.0),
    (210.0, 240.0, 11.0, 9.0, 100.0),
)
N_LONELY = 6
"""Domes that touch no other."""


def truth_of(domes=DOMES):
    """Half ellipsoids: area pi a b, volume 2/3 of area times peak."""
    y_um, x_um, a_um, b_um, peak_nm = np.array(domes).T
    area_um2 = pi * a_um * b_um
    volume_um3 = 2 / 3 * area_um2 * peak_nm / NM_PER_UM
    measures = {
        "dry_mass_pg": volume_um3 / SPECIFIC_REFRACTION_INCREMENT_UM3_PER_PG,
        "area_um2": area_um2,
        "max_opd_nm": peak_nm,
        "length_um": 2 * np.maximum(a_um, b_um),
    }
    return pd.DataFrame({"y_um": y_um, "x_um": x_um, **measures})


def dome_nm(y_um, x_um, a_um, b_um, peak_nm, shape_yx=SHAPE_YX):
    y, x = (n * PITCH_UM for n in np.indices(shape_yx))
    return peak_nm * np.sqrt(np.maximum(1 - ((y - y_um) / a_um) ** 2 - ((x - x_um) / b_um) ** 2, 0))


def scene(domes=DOMES, density=255.0, level_nm=5.0):
    """The domes on a level, with noise of 1 nm."""
    opd_nm = np.max([dome_nm(*dome) for dome in domes], axis=0)
    noise_nm = np.random.default_rng(0).normal(0, 1.0, SHAPE_YX)
    return Scene(density, (opd_nm + noise_nm + level_nm).astype(np.float32), truth_of(domes), PITCH_UM)
