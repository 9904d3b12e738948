"""Envelopes against the averages that they stand for."""

from math import pi

import numpy as np
import pytest

from lensfree.optics.coherence import pixel_envelope, source_envelope, temporal_envelope
from lensfree.optics.propagation import frequencies_per_um

LIKE = np.empty((48, 80))
PITCH_UM = 1.67
FY_PER_UM, FX_PER_UM = frequencies_per_um(LIKE, PITCH_UM)
F2 = FY_PER_UM**2 + FX_PER_UM**2


def test_the_temporal_envelope_is_the_mean_chirp_of_the_led():
    z_um, fwhm_nm = 1000.0, 20.0
    lines_um, weight = np.polynomial.hermite_e.hermegauss(41)
    wavelengths_um = 0.540 + lines_um * fwhm_nm / 2.355 / 1000
    mean = sum(
        w * np.exp(-1j * pi * z_um * F2 * (wavelength_um - 0.540))
        for w, wavelength_um in zip(weight / weight.sum(), wavelengths_um, strict=True)
    )
    envelope = temporal_envelope(LIKE, z_um=z_um, pixel_pitch_um=PITCH_UM, fwhm_nm=fwhm_nm)
    np.testing.assert_allclose(envelope, mean.real, atol=1e-3)
    np.testing.assert_allclose(mean.imag, 0, atol=1e-3)


def test_twenty_nanometres_halve_the_contrast_at_the_known_resolution():
    # 50 % at a half pitch of 2.38 um for 20 nm and 1 mm, from the chirp by hand
    f_per_um = (np.sqrt(2 * np.log(2)) / (pi * 1000.0 * 0.020 / 2.355)) ** 0.5
    assert 1 / (2 * f_per_um) == pytest.approx(2.38, abs=0.01)
    like = np.empty((2, 40000))
    envelope = temporal_envelope(like, z_um=1000.0, pixel_pitch_um=PITCH_UM, fwhm_nm=20.0)[0]
    fx_per_um = frequencies_per_um(like, PITCH_UM)[1][0]
    assert np.interp(f_per_um, fx_per_um[:20000], envelope[:20000]) == pytest.approx(0.5, abs=1e-3)


def test_the_source_envelope_is_the_transform_of_the_pinholes_image():
    disc_um = 200.0 * 1000.0 / 50000.0
    points = [
        (y, x)
        for y in np.linspace(-disc_um / 2, disc_um / 2, 121)
        for x in np.linspace(-disc_um / 2, disc_um / 2, 121)
        if y * y + x * x <= disc_um**2 / 4
    ]
    for row, column in [(0, 0), (7, 0), (0, 11), (13, 30)]:
        fy, fx = FY_PER_UM[row, 0], FX_PER_UM[0, column]
        mean = np.mean([np.cos(2 * pi * (fy * y + fx * x)) for y, x in points])
        envelope = source_envelope(
            LIKE, z_um=1000.0, pixel_pitch_um=PITCH_UM, diameter_um=200.0, distance_mm=50.0
        )
        assert envelope[row, column] == pytest.approx(mean, abs=5e-3)


def test_the_pixel_envelope_is_the_mean_over_a_square_pixel():
    inside_um = (np.arange(200) + 0.5) / 200 * PITCH_UM - PITCH_UM / 2
    envelope = pixel_envelope(LIKE, pixel_pitch_um=PITCH_UM)
    for row, column in [(24, 0), (0, 40), (10, 31)]:
        mean_y = np.cos(2 * pi * FY_PER_UM[row, 0] * inside_um).mean()
        mean_x = np.cos(2 * pi * FX_PER_UM[0, column] * inside_um).mean()
        assert envelope[row, column] == pytest.approx(mean_y * mean_x, abs=1e-4)
    assert envelope[24, 0] == pytest.approx(2 / pi)


def test_open_beam_passes_and_an_ideal_source_does_nothing():
    ideal_led = temporal_envelope(LIKE, z_um=1000.0, pixel_pitch_um=PITCH_UM, fwhm_nm=0.0)
    ideal_point = source_envelope(
        LIKE, z_um=1000.0, pixel_pitch_um=PITCH_UM, diameter_um=0.0, distance_mm=50.0
    )
    np.testing.assert_array_equal(ideal_led, 1.0)
    np.testing.assert_array_equal(ideal_point, 1.0)
    real = source_envelope(LIKE, z_um=1000.0, pixel_pitch_um=PITCH_UM, diameter_um=50.0, distance_mm=50.0)
    assert real[0, 0] == 1.0 and real[5, 9] < 1.0
