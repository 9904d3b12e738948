"""Propagation against waves and beams with known answers, on grids that are never square."""

from math import pi

import numpy as np
import pytest

from lensfree.optics.propagation import frequencies_per_um, propagate, transfer_function

SHAPE_YX = (48, 80)
PITCH_UM = 1.67
WAVELENGTH_NM = 540.0
GREEN = {"wavelength_nm": WAVELENGTH_NM, "pixel_pitch_um": PITCH_UM}


def random_field(seed=0, shape=SHAPE_YX):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


def tilted_wave(cycles_yx, shape=SHAPE_YX):
    y, x = np.mgrid[: shape[0], : shape[1]]
    return np.exp(2j * pi * (cycles_yx[0] * y / shape[0] + cycles_yx[1] * x / shape[1]))


@pytest.mark.parametrize("cycles_yx", [(0, 0), (3, 0), (0, 7), (3, -7), (-20, 35)])
@pytest.mark.parametrize("z_um", [1000.0, -250.0])
def test_a_tilted_plane_wave_only_gains_its_axial_phase(cycles_yx, z_um):
    wave = tilted_wave(cycles_yx)
    fy, fx = (c / (n * PITCH_UM) for c, n in zip(cycles_yx, SHAPE_YX, strict=True))
    axial_phase = 2 * pi * z_um * ((1000 / WAVELENGTH_NM) ** 2 - fy**2 - fx**2) ** 0.5
    out = propagate(wave, transfer_function(wave, z_um=z_um, **GREEN))
    np.testing.assert_allclose(out, wave * np.exp(1j * axial_phase), atol=1e-8)


def test_the_medium_shortens_the_wavelength():
    field = random_field()
    in_water = transfer_function(field, z_um=300.0, n_medium=1.33, **GREEN)
    shorter = transfer_function(
        field, z_um=300.0, wavelength_nm=WAVELENGTH_NM / 1.33, pixel_pitch_um=PITCH_UM
    )
    np.testing.assert_allclose(in_water, shorter, atol=1e-8)


def test_propagation_conserves_energy_and_its_conjugate_goes_back():
    field = random_field()
    transfer = transfer_function(field, z_um=1000.0, **GREEN)
    out = propagate(field, transfer)
    assert np.sum(abs(out) ** 2) == pytest.approx(np.sum(abs(field) ** 2), rel=1e-12)
    np.testing.assert_allclose(propagate(out, transfer.conj()), field, atol=1e-10)


def test_the_conjugate_is_the_adjoint():
    left, right = random_field(1), random_field(2)
    transfer = transfer_function(left, z_um=700.0, **GREEN)
    assert np.vdot(left, propagate(right, transfer)) == pytest.approx(
        np.vdot(propagate(left, transfer.conj()), right), rel=1e-12
    )


def test_two_steps_make_the_sum_of_the_distances():
    field = random_field()
    there = propagate(
        propagate(field, transfer_function(field, z_um=400.0, **GREEN)),
        transfer_function(field, z_um=350.0, **GREEN),
    )
    np.testing.assert_allclose(
        there, propagate(field, transfer_function(field, z_um=750.0, **GREEN)), atol=1e-9
    )


def test_a_gaussian_beam_spreads_as_theory_says():
    shape, waist_um, z_um = (192, 240), 12.0, 900.0
    y_um = (np.arange(shape[0]) - shape[0] // 2) * PITCH_UM
    x_um = (np.arange(shape[1]) - shape[1] // 2) * PITCH_UM
    radius2 = y_um[:, None] ** 2 + x_um[None, :] ** 2
    rayleigh_um = pi * waist_um**2 / (WAVELENGTH_NM / 1000)
    out = propagate(
        np.exp(-radius2 / waist_um**2).astype(complex),
        transfer_function(np.empty(shape, complex), z_um=z_um, **GREEN),
    )
    width2 = waist_um**2 * (1 + (z_um / rayleigh_um) ** 2)
    expected = waist_um**2 / width2 * np.exp(-2 * radius2 / width2)
    np.testing.assert_allclose(abs(out) ** 2, expected, atol=2e-3 * expected.max())
    gouy = np.angle(out[shape[0] // 2, shape[1] // 2] * np.exp(-2j * pi * z_um / (WAVELENGTH_NM / 1000)))
    assert gouy == pytest.approx(-np.arctan(z_um / rayleigh_um), abs=5e-3)


def test_single_precision_keeps_phases_of_ten_thousand_radians():
    wide = transfer_function(np.empty(SHAPE_YX, np.complex128), z_um=1000.0, **GREEN)
    narrow = transfer_function(np.empty(SHAPE_YX, np.complex64), z_um=1000.0, **GREEN)
    assert narrow.dtype == np.complex64
    assert abs(np.angle(wide[0, 0]) - 2 * pi * ((1e6 / WAVELENGTH_NM) % 1)) % (2 * pi) == pytest.approx(
        0, abs=1e-6
    )
    assert abs(narrow - wide).max() < 1e-6


def test_frequencies_belong_to_their_axis():
    fy, fx = frequencies_per_um(np.empty((3, *SHAPE_YX)), PITCH_UM)
    assert fy.shape == (48, 1) and fx.shape == (1, 80)
    assert fy[1, 0] == pytest.approx(1 / (48 * PITCH_UM))
    assert fx[0, 1] == pytest.approx(1 / (80 * PITCH_UM))


def test_a_pitch_that_samples_evanescent_waves_is_refused():
    with pytest.raises(
        ValueError, match=r"pixel_pitch_um=0\.3 .*evanescent waves; expected more than 0\.382 um"
    ):
        transfer_function(np.empty(SHAPE_YX, complex), z_um=100.0, wavelength_nm=540.0, pixel_pitch_um=0.3)
