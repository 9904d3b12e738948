"""Physical constants and the few conversions that the whole project shares."""

from typing import TypeVar

import numpy as np

Number = TypeVar("Number", float, np.ndarray)

NM_PER_UM = 1000.0
MIN_PER_H = 60.0

WAVELENGTH_RANGE_NM = (150.0, 3000.0)
"""Wavelengths outside are no light that a camera sees: most likely they are in another unit."""

SPECIFIC_REFRACTION_INCREMENT_UM3_PER_PG = 0.18
"""Optical volume per dry mass, Barer, Nature 169, 366 (1952)."""


def dry_mass_pg(
    optical_volume_um3: Number,
    increment_um3_per_pg: float = SPECIFIC_REFRACTION_INCREMENT_UM3_PER_PG,
) -> Number:
    """Return the dry mass in pg of an optical volume in um3 (the integral of OPD over area).

    Works on scalars and arrays alike: CDM = OVD / alpha, Allier et al., Front. Phys. 9:776805
    (2022), Eq. 4.
    """
    return optical_volume_um3 / increment_um3_per_pg


def optical_volume_um3(opd_sum_nm: Number, pixel_pitch_um: float) -> Number:
    """Return the optical volume in um3 of a sum over pixels of OPD in nm.

    OVD is the integral of OPD over area, Allier et al. (2022), Eq. 3.
    """
    return opd_sum_nm / NM_PER_UM * pixel_pitch_um**2
