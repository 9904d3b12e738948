"""Shifts of colours, recovered from simulated holograms of phase objects."""

import numpy as np
import pytest

from lensfree.config import OpticsConfig
from lensfree.optics.hologram import Channel, build_transfers
from lensfree.optics.propagation import propagate
from lensfree.optics.registration import find_shift_px, register

SHAPE_YX = (160, 208)
PITCH_UM = 1.67
TRUE_SHIFTS_UM = [(0.0, 0.0), (5.3, -8.1), (-2.4, 11.9)]
WAVELENGTHS_NM = [450.0, 540.0, 640.0]


def phase_cells(seed=3, n=14):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: SHAPE_YX[0], : SHAPE_YX[1]] * PITCH_UM
    opd_nm = np.zeros(SHAPE_YX)
    for _ in range(n):
        centre_y, centre_x = rng.uniform(25, np.array(SHAPE_YX) * PITCH_UM - 25)
        radius2 = (y - centre_y) ** 2 / 81 + (x - centre_x) ** 2 / 169
        opd_nm += rng.uniform(60, 140) * np.exp(-(radius2**2))
    return opd_nm


def holograms(z_um, noise=0.01):
    channels = [Channel(w, z_um, *shift) for w, shift in zip(WAVELENGTHS_NM, TRUE_SHIFTS_UM, strict=True)]
    opd_nm = phase_cells()
    transfers = build_transfers(
        channels, np.empty(SHAPE_YX, complex), pixel_pitch_um=PITCH_UM, optics=OpticsConfig()
    )
    clean = [
        abs(propagate(np.exp(2j * np.pi * opd_nm / w), transfer)) ** 2
        for w, transfer in zip(WAVELENGTHS_NM, transfers, strict=True)
    ]
    return np.stack(clean) + noise * np.random.default_rng(4).standard_normal((3, *SHAPE_YX))


@pytest.mark.parametrize("assumed_z_um", [1000.0, 920.0, 1100.0])
def test_shifts_of_phase_objects_are_found_within_a_third_of_a_pixel(assumed_z_um):
    unknown = [Channel(w, assumed_z_um) for w in WAVELENGTHS_NM]
    found = register(
        holograms(1000.0).astype(np.float32), unknown, pixel_pitch_um=PITCH_UM, max_shift_um=20.0
    )
    shifts_um = np.array([(channel.shift_y_um, channel.shift_x_um) for channel in found])
    assert abs(shifts_um - TRUE_SHIFTS_UM).max() / PITCH_UM < 0.3
    assert tuple(shifts_um[0]) == (0.0, 0.0)
    assert [(channel.wavelength_nm, channel.z_um) for channel in found] == [
        (w, assumed_z_um) for w in WAVELENGTHS_NM
    ]


def test_missing_pixels_do_not_spoil_the_shifts():
    intensity = holograms(1000.0)
    intensity[1, 40:60, 90:110] = np.nan
    channels = [Channel(w, 1000.0) for w in WAVELENGTHS_NM]
    found = register(intensity, channels, pixel_pitch_um=PITCH_UM, max_shift_um=20.0)
    assert abs(found[1].shift_y_um - TRUE_SHIFTS_UM[1][0]) / PITCH_UM < 0.3


def test_dead_pixels_do_not_hold_the_colours_at_zero_shift():
    """They sit at the same place in every colour, and as darkness they would correlate there."""
    intensity = holograms(1000.0)
    intensity[:, 40:60, 90:110] = 0.0
    channels = [Channel(w, 1000.0) for w in WAVELENGTHS_NM]
    found = register(intensity, channels, pixel_pitch_um=PITCH_UM, max_shift_um=20.0)
    shifts_um = np.array([(channel.shift_y_um, channel.shift_x_um) for channel in found])
    assert abs(shifts_um - TRUE_SHIFTS_UM).max() / PITCH_UM < 0.3


def test_a_shift_of_a_fraction_of_a_pixel_keeps_sign_and_axis():
    scene = phase_cells() - phase_cells().mean()
    fy, fx = np.fft.fftfreq(SHAPE_YX[0])[:, None], np.fft.fftfreq(SHAPE_YX[1])[None, :]
    moved = np.fft.ifft2(np.fft.fft2(scene) * np.exp(-2j * np.pi * (fy * 2.35 - fx * 6.6))).real
    assert find_shift_px(scene, moved, max_shift_px=10) == pytest.approx((2.35, -6.6), abs=0.051)


def test_shifts_beyond_the_limit_are_not_considered():
    scene = phase_cells() - phase_cells().mean()
    found_y, found_x = find_shift_px(scene, np.roll(scene, (0, 25), axis=(0, 1)), max_shift_px=5)
    assert abs(found_y) <= 6 and abs(found_x) <= 6
