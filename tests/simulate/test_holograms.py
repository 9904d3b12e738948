"""The hologram model against what is known without it: open beam, gratings, shifts, and the inverse model."""

import numpy as np
import pytest

from lensfree.config import OpticsConfig
from lensfree.optics.hologram import Channel, build_transfers
from lensfree.optics.propagation import transfer_function
from lensfree.simulate.holograms import Box, box_around, build_paths, simulate_intensity, spectral_nodes
from lensfree.simulate.population import random_field
from lensfree.simulate.render import render_absorption, render_opd

PITCH_UM = 1.67
OPTICS = OpticsConfig()
POINT_LASER = OpticsConfig(led_fwhm_nm=0.0, source_diameter_um=0.0)
RGB = (Channel(640.0, 1000.0), Channel(530.0, 1000.0), Channel(450.0, 1000.0))
SHAPE_YX = (96, 150)


def cells_of(shape_yx, oversampling=1, density=200.0, seed=1):
    cells = random_field(np.random.default_rng(seed), shape_yx, PITCH_UM, density)
    return (
        render_opd(cells, shape_yx, PITCH_UM, oversampling),
        render_absorption(cells, shape_yx, PITCH_UM, oversampling),
    )


def holograms(opd_nm, absorption, channels=RGB, optics=OPTICS, **more):
    return simulate_intensity(opd_nm, absorption, channels, pixel_pitch_um=PITCH_UM, optics=optics, **more)


def test_no_sample_is_open_beam():
    nothing = np.zeros((2 * SHAPE_YX[0], 2 * SHAPE_YX[1]), np.float32)
    out = holograms(nothing, nothing, oversampling=2)
    assert out.shape == (3, *SHAPE_YX) and out.dtype == np.float32
    np.testing.assert_allclose(out, 1.0, atol=1e-5)


def test_a_phase_object_takes_no_light_and_an_absorber_does():
    opd_nm, absorption = cells_of(SHAPE_YX)
    np.testing.assert_allclose(holograms(opd_nm, 0 * opd_nm).mean(axis=(1, 2)), 1.0, atol=1e-4)
    assert (holograms(opd_nm, absorption).mean(axis=(1, 2)) < 1 - 1e-5).all()


def test_without_bandwidth_many_lines_are_one_wavelength():
    opd_nm, absorption = cells_of(SHAPE_YX)
    one = holograms(opd_nm, absorption, optics=POINT_LASER, spectral_lines=1)
    five = holograms(opd_nm, absorption, optics=POINT_LASER, spectral_lines=5)
    np.testing.assert_allclose(five, one, atol=2e-5)
    real = holograms(opd_nm, absorption, optics=OPTICS, spectral_lines=5)
    assert np.abs(real - one).max() > 0.02


def test_a_laser_point_source_gives_the_angular_spectrum_intensity():
    opd_nm, absorption = cells_of(SHAPE_YX)
    # The sample must be open beam at the border, where the model fades it out.
    window = np.zeros(SHAPE_YX, np.float32)
    window[14:-14, 14:-14] = 1
    opd_nm, absorption = opd_nm * window, absorption * window
    field = np.exp(-absorption.astype(float) + 2j * np.pi * opd_nm.astype(float) / 640.0)
    transfer = transfer_function(field, z_um=1000.0, wavelength_nm=640.0, pixel_pitch_um=PITCH_UM)
    expected = np.abs(np.fft.ifft2(np.fft.fft2(field) * transfer)) ** 2
    out = holograms(opd_nm, absorption, RGB[:1], POINT_LASER, spectral_lines=1)
    np.testing.assert_allclose(out[0], expected, atol=2e-4)


@pytest.mark.parametrize("cycles_yx", [(0, 24), (16, 0), (18, 30)])
def test_a_weak_grating_has_the_contrast_that_theory_gives_it(cycles_yx):
    # Contrast of a weak phase grating: 2 phi sin(pi lambda z f^2), times the mean chirp over the LED's
    # spectrum, times the pinhole's blur 2 J1(x) / x, times the pixel's sinc.
    from scipy.special import j1

    ny, nx = 240, 320
    z_um, wavelength_um, os = 700.0, 0.53, 2
    f_yx = np.array(cycles_yx) / (np.array([ny, nx]) * PITCH_UM)
    y, x = (np.arange(n * os) * PITCH_UM / os for n in (ny, nx))
    wave = np.cos(2 * np.pi * (f_yx[0] * y[:, None] + f_yx[1] * x[None, :]))
    opd_nm = (1.0 * wave).astype(np.float32)
    out = holograms(opd_nm, 0 * opd_nm, (Channel(530.0, z_um),), oversampling=os, spectral_lines=9)[0]
    seen = wave.reshape(ny, os, nx, os).mean(axis=(1, 3))
    middle = (slice(80, 160), slice(100, 220))
    window = np.hanning(80)[:, None] * np.hanning(120)[None, :]
    contrast = (window * (out[middle] - 1) * seen[middle]).sum() / (window * seen[middle] ** 2).sum()
    f2 = (f_yx**2).sum()
    blur = np.pi * 50.0 * z_um / 50_000.0 * f2**0.5
    sigma_um = 20.0e-3 / 2.355
    # Binning averaged `seen` and the intensity alike, so the pixel's sinc cancels in the ratio.
    expected = (
        -2
        * (2 * np.pi * 1.0 / 530.0)
        * np.sin(np.pi * wavelength_um * z_um * f2)
        * np.exp(-((np.pi * z_um * f2 * sigma_um) ** 2) / 2)
        * 2
        * j1(blur)
        / blur
    )
    assert abs(expected) > 1e-3
    assert abs(contrast) == pytest.approx(abs(expected), rel=0.02)


def test_a_channels_shift_moves_its_picture_down_and_right():
    opd_nm, absorption = cells_of(SHAPE_YX)
    shifted = Channel(530.0, 1000.0, shift_y_um=3 * PITCH_UM, shift_x_um=-2 * PITCH_UM)
    plain, moved = holograms(opd_nm, absorption, (RGB[1], shifted))
    np.testing.assert_allclose(moved, np.roll(plain, (3, -2), axis=(0, 1)), atol=1e-4)


def test_it_is_near_the_model_that_is_inverted_but_not_the_same():
    shape_yx = (160, 200)
    opd_nm, absorption = cells_of(shape_yx, density=60.0)
    clear = np.zeros(shape_yx)
    clear[30:-30, 30:-30] = 0.3
    opd_nm, absorption = clear * np.minimum(opd_nm, 60.0), clear * absorption
    channels = (Channel(640.0, 900.0, 2.5, -4.0), Channel(450.0, 900.0))
    out = holograms(opd_nm, absorption, channels, spectral_lines=7)
    window = (slice(None), slice(20, -20), slice(20, -20))
    transfers = build_transfers(
        channels, np.empty(shape_yx, np.complex128), pixel_pitch_um=PITCH_UM, optics=OPTICS
    )
    waves = 2 * np.pi / np.array([640.0, 450.0])[:, None, None]
    field = np.exp(-absorption[None] + 1j * waves * opd_nm[None])
    inverse = np.abs(np.fft.ifft2(np.fft.fft2(field) * transfers)) ** 2
    signal = (out[window] - 1).std()
    difference = (out - inverse)[window].std()
    assert 0.002 * signal < difference < 0.10 * signal


def test_cells_outside_the_sensor_reach_it_with_their_fringes():
    box = box_around((60, 90), PITCH_UM)
    opd_nm = np.zeros(box.shape_yx, np.float32)
    top, left = box.margin_yx
    opd_nm[top - 14 : top - 6, left + 40 : left + 50] = 80.0
    assert not box.crop(opd_nm).any()
    seen = box.crop(holograms(opd_nm, 0 * opd_nm))
    assert seen.shape == (3, 60, 90)
    assert np.abs(seen - 1).max() > 0.05


def test_a_box_has_its_margins_and_takes_cells_there_and_back():
    box = box_around((61, 95), PITCH_UM, margin_um=50.0)
    assert all(b >= n + 2 * 30 for b, n in zip(box.shape_yx, (61, 95), strict=True))
    assert min(box.margin_yx) >= 30
    grid = np.arange(np.prod(box.shape_yx)).reshape(box.shape_yx)
    assert box.crop(grid)[0, 0] == grid[box.margin_yx]
    cells = random_field(np.random.default_rng(1), (61, 95), PITCH_UM, 200.0)
    there = box.to_box(cells, PITCH_UM)
    np.testing.assert_allclose(
        box.crop(render_opd(there, box.shape_yx, PITCH_UM)), render_opd(cells, (61, 95), PITCH_UM), atol=1e-3
    )
    np.testing.assert_allclose(box.to_sensor(there, PITCH_UM)["x_um"], cells["x_um"])


def test_crop_of_a_fine_grid_is_the_fine_sensor():
    box = Box((10, 14), (4, 6), (3, 4))
    fine = np.arange(20 * 28).reshape(20, 28)
    assert box.crop(fine, 2).shape == (8, 12)
    assert box.crop(fine, 2)[0, 0] == fine[6, 8]


def test_spectral_nodes_have_the_mean_and_width_of_the_led():
    nodes, weights = spectral_nodes(530.0, 20.0, 5)
    assert weights.sum() == pytest.approx(1.0)
    assert (weights * nodes).sum() == pytest.approx(530.0)
    sd_nm = ((weights * (nodes - 530.0) ** 2).sum()) ** 0.5
    assert 2.3548 * sd_nm == pytest.approx(20.0, rel=1e-4)


def test_prepared_paths_give_the_same_picture():
    opd_nm, absorption = cells_of(SHAPE_YX)
    paths = build_paths(RGB, SHAPE_YX, pixel_pitch_um=PITCH_UM, optics=OPTICS, spectral_lines=3)
    np.testing.assert_array_equal(
        holograms(opd_nm, absorption, paths=paths), holograms(opd_nm, absorption, spectral_lines=3)
    )


def test_paths_for_another_grid_are_refused():
    paths = build_paths(RGB, SHAPE_YX, pixel_pitch_um=PITCH_UM, optics=OPTICS, spectral_lines=1)
    with pytest.raises(
        ValueError, match=r"paths are for 3 channels of \(96, 150\).*expected 3 of \(48, 80\)"
    ):
        holograms(np.zeros((48, 80), np.float32), np.zeros((48, 80), np.float32), paths=paths)


def test_maps_that_differ_in_shape_are_refused():
    with pytest.raises(
        ValueError, match=r"absorption has shape \(48, 81\), expected that of opd_nm, \(48, 80\)"
    ):
        holograms(np.zeros((48, 80), np.float32), np.zeros((48, 81), np.float32))


def test_maps_that_do_not_divide_are_refused():
    odd = np.zeros((48, 81), np.float32)
    with pytest.raises(ValueError, match=r"shape \(48, 81\), expected a multiple of oversampling=2"):
        holograms(odd, odd, oversampling=2)
