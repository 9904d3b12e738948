"""The distance of phase objects, found by sharpness and misfit together."""

import numpy as np
import pytest
from scenes import CONFIG, OPTICS, PITCH_UM, RGB, cells_opd_nm, holograms

from lensfree.config import FocusConfig
from lensfree.optics.focus import find_focus
from lensfree.optics.hologram import Channel
from lensfree.phase.retrieve import misfit_by_distance

CONFIG_FOCUS = FocusConfig(z_min_um=850.0, z_max_um=1400.0, steps=21)


@pytest.mark.parametrize(
    ("colours", "true_z_um", "tolerance"),
    [(RGB, 1000.0, 0.02), (RGB[1:2], 1120.0, 0.03)],
    ids=["rgb", "green"],
)
def test_the_distance_of_transparent_cells_is_found(colours, true_z_um, tolerance):
    true = [Channel(c.wavelength_nm, true_z_um, c.shift_y_um, c.shift_x_um) for c in colours]
    opd_nm = cells_opd_nm()
    intensity = holograms(opd_nm, 1e-4 * opd_nm, true)
    unknown = [Channel(c.wavelength_nm, 777.0, c.shift_y_um, c.shift_x_um) for c in true]
    misfit_at = misfit_by_distance(
        intensity, unknown, pixel_pitch_um=PITCH_UM, optics=OPTICS, config=CONFIG, iterations=10
    )
    focus = find_focus(intensity, unknown, pixel_pitch_um=PITCH_UM, config=CONFIG_FOCUS, misfit_at=misfit_at)
    assert focus.decided_by == "misfit"
    assert focus.z_um == pytest.approx(true_z_um, rel=tolerance)


def test_the_misfit_is_that_of_the_named_distance():
    opd_nm = cells_opd_nm()
    intensity = holograms(opd_nm, 0 * opd_nm)
    misfit_at = misfit_by_distance(
        intensity, RGB, pixel_pitch_um=PITCH_UM, optics=OPTICS, config=CONFIG, iterations=10
    )
    misfits = [misfit_at(z_um) for z_um in (800.0, 1000.0, 1200.0)]
    assert int(np.argmin(misfits)) == 1 and min(misfits[0], misfits[2]) > 2 * misfits[1]
