"""The solvers that the peer comparison brings along, and the calls of the packages that it compares with."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from gerchberg_saxton import gerchberg_saxton
from peer_cases import registered
from peer_hotopy import by_ctf, by_projections, by_tikhonov, prepared
from peer_methods import (
    METHODS,
    by_autograd,
    by_gerchberg_saxton,
    by_lensfree,
    by_pyholoscope,
    by_torchoptics,
)
from peer_scenes import LIGHT, PITCH_UM, RGB, SHAPE_YX, TWO_DISTANCES, bumps_nm, case, correlation
from plain_autograd import minimised, value

from lensfree.config import OpticsConfig, ReconstructConfig
from lensfree.optics.hologram import Channel, build_transfers, crop
from lensfree.optics.propagation import propagate, transfer_function
from lensfree.phase.objective import Objective


def objective(weights, rng):
    """Two channels of noise, with pixels that were not recorded and pixels that were saturated."""
    channels = [Channel(450.0, 300.0), Channel(640.0, 300.0, 2.0, -1.0)]
    shape_yx = (18, 26)
    transfers = build_transfers(
        channels, np.empty(shape_yx, np.complex64), pixel_pitch_um=PITCH_UM, optics=OpticsConfig()
    )
    amplitude = rng.normal(1, 0.2, (2, *shape_yx)).astype(np.float32)
    amplitude[:, :3] = -1e-30
    amplitude[:, 5:8, 4:9] = -1.3
    return Objective(amplitude, transfers, [450.0, 640.0], weights)


@pytest.mark.parametrize(
    "weights",
    [
        ReconstructConfig(
            tv_weight=0,
            absorption_tv_weight=0,
            slow_opd_weight=0,
            negative_opd_weight=0,
            negative_absorption_weight=0,
        ),
        ReconstructConfig(tv_weight=0.02, slow_opd_weight=0.03),
    ],
    ids=["misfit alone", "with regularisers"],
)
def test_plain_autograd_is_the_same_function_with_the_same_gradient(weights):
    rng = np.random.default_rng(3)
    model = objective(weights, rng)
    at = rng.normal(0, 0.3, (2, *model.amplitude.shape[-2:])).astype(np.float32)
    expected, gradient = model.value_and_gradient(at)
    point = torch.from_numpy(at).requires_grad_()
    found = value(point, model)
    found.backward()
    assert found.item() == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(point.grad.numpy(), gradient, atol=2e-5 * abs(gradient).max())


@pytest.mark.parametrize("optimiser", ["LBFGS", "Adam 0.1"])
def test_plain_autograd_descends_and_leaves_the_start_alone(optimiser):
    model = objective(ReconstructConfig(), np.random.default_rng(3))
    start = np.zeros((2, *model.amplitude.shape[-2:]), np.float32)
    end = minimised(model, start, iterations=15, optimiser=optimiser)
    assert model.value_and_gradient(end)[0] < 0.8 * model.value_and_gradient(start)[0]
    assert not start.any()


def test_an_optimiser_that_is_none_is_named():
    model = objective(ReconstructConfig(), np.random.default_rng(3))
    start = np.zeros((2, *model.amplitude.shape[-2:]), np.float32)
    with pytest.raises(ValueError, match="got optimiser 'Newton', expected 'LBFGS' or 'Adam STEP'"):
        minimised(model, start, iterations=1, optimiser="Newton")


@pytest.mark.parametrize("channels", [TWO_DISTANCES, RGB], ids=["two distances", "three shifted colours"])
def test_gerchberg_saxton_beats_back_propagation(channels):
    true_nm = bumps_nm()
    scene = case(channels, true_nm)
    found_nm = by_gerchberg_saxton(scene, iterations=40, is_positive=True, max_amplitude=1.0)
    back_nm = by_gerchberg_saxton(
        replace(scene, intensity=scene.intensity[:1], channels=channels[:1]),
        iterations=1,
        is_positive=False,
        max_amplitude=None,
    )
    assert correlation(found_nm, true_nm) > 0.97 > 0.9 > correlation(back_nm, true_nm)
    error_nm = np.sqrt(np.mean((found_nm - true_nm) ** 2))
    assert error_nm < 0.4 * np.sqrt(np.mean((back_nm - back_nm.mean() - true_nm + true_nm.mean()) ** 2))


def test_gerchberg_saxton_finds_opd_without_absorption_and_nothing_where_nothing_was_recorded():
    true_nm = bumps_nm()
    like = np.empty(SHAPE_YX, np.complex64)
    transfers = build_transfers(TWO_DISTANCES, like, pixel_pitch_um=PITCH_UM, optics=LIGHT)
    transfers /= abs(transfers)
    at_sensor = [propagate(np.exp(2j * np.pi * true_nm / 540.0), transfer) for transfer in transfers]
    amplitude = abs(np.array(at_sensor)).astype(np.float32)
    settings = {"iterations": 60, "is_positive": True, "max_amplitude": 1.0}
    found_nm, absorption = gerchberg_saxton(amplitude, transfers, [540.0, 540.0], **settings)
    assert correlation(found_nm, true_nm) > 0.98
    assert abs(absorption).mean() < 0.05
    nothing_nm, _ = gerchberg_saxton(np.full_like(amplitude, -1), transfers, [540.0, 540.0], **settings)
    np.testing.assert_allclose(nothing_nm, 0, atol=1e-2)


def test_lateral_shifts_are_undone():
    """The shifted colour's hologram becomes that of the same colour without a shift."""
    still = [replace(channel, shift_y_um=0.0, shift_x_um=0.0) for channel in RGB]
    shifted, grid = registered(case(RGB, bumps_nm()))
    expected, _ = registered(case(still, bumps_nm()))
    inner = (slice(None), slice(grid.window[1].start + 8, grid.window[1].stop - 8), *grid.window[2:])
    np.testing.assert_allclose(shifted[inner], expected[inner], atol=0.02)
    assert abs(case(RGB, bumps_nm()).intensity - case(still, bumps_nm()).intensity).max() > 0.1


@pytest.mark.parametrize(("run", "power"), [(by_pyholoscope, 1.0), (by_torchoptics, 0.5)])
@pytest.mark.parametrize("exposure", [0, 2])
def test_a_peer_propagates_back_as_the_angular_spectrum_does(run, power, exposure):
    pytest.importorskip(run.__name__.removeprefix("by_"))
    scene = case(RGB, bumps_nm())
    holograms, grid = registered(scene)
    channel = replace(RGB[exposure], z_um=-RGB[exposure].z_um)
    geometry = {"z_um": channel.z_um, "wavelength_nm": channel.wavelength_nm, "pixel_pitch_um": PITCH_UM}
    back = propagate(
        holograms[exposure] ** power, transfer_function(np.empty(grid.padded_yx, complex), **geometry)
    )
    expected_nm = crop(np.angle(back / back.mean()), grid) * channel.wavelength_nm / (2 * np.pi)
    np.testing.assert_allclose(run(scene, exposure=exposure), expected_nm, atol=0.1)
    assert correlation(expected_nm, scene.true_nm) > 0.25


@pytest.mark.parametrize(
    "run",
    [
        lambda scene: by_ctf(scene, exposures="all", alpha=0.1, phase_min=0.0),
        lambda scene: by_tikhonov(scene, exposures="all", alpha=0.1, alpha_tv=0.0, is_absorbing=False),
        lambda scene: by_projections(scene, solver="AP", exposures="all", iterations=40, max_amplitude=1.0),
    ],
    ids=["CTF", "Tikhonov", "AP"],
)
@pytest.mark.parametrize("channels", [TWO_DISTANCES, RGB], ids=["two distances", "three shifted colours"])
def test_hotopy_finds_a_weak_sample(run, channels):
    pytest.importorskip("hotopy")
    true_nm = bumps_nm(30.0)
    found_nm = run(case(channels, true_nm))
    assert correlation(found_nm, true_nm) > 0.9
    assert (found_nm - np.median(found_nm)).sum() / true_nm.sum() == pytest.approx(1, abs=0.4)


def test_colours_are_given_to_hotopy_as_if_they_saw_one_phase():
    """Their contrasts are those of a weak sample whose phase is that of the mean wavelength for all."""
    true_nm = bumps_nm(2.0)
    holograms, fresnel, grid, nm_per_rad = prepared(case(RGB, true_nm), "all")
    still = [replace(channel, shift_y_um=0.0, shift_x_um=0.0) for channel in RGB]
    like = np.empty(SHAPE_YX, complex)
    transfers = build_transfers(still, like, pixel_pitch_um=PITCH_UM, optics=LIGHT)
    wave = np.exp(1j * true_nm / nm_per_rad)
    expected = np.array([abs(propagate(wave, transfer)) ** 2 for transfer in transfers])
    inner = (slice(None), slice(8, -8), slice(8, -8))
    assert abs(crop(holograms, grid) - expected)[inner].max() < 0.03 * abs(expected - 1).max()
    np.testing.assert_allclose(fresnel, PITCH_UM**2 / (np.array([0.64, 0.54, 0.45]) * 250.0))
    alone, fresnel_alone, _, nm_per_rad_alone = prepared(case(RGB, true_nm), 2)
    np.testing.assert_allclose(alone[0] - 1, (holograms[2] - 1) * nm_per_rad / nm_per_rad_alone, atol=1e-5)
    assert fresnel_alone == fresnel[2:]


def test_plain_autograd_and_lensfree_agree():
    scene = case(RGB, bumps_nm())
    held = {"iterations_reference": 150, "slow_opd_weight_reference": 5e-3}
    config = scene.config.model_copy(update={"reconstruct": scene.config.reconstruct.model_copy(update=held)})
    scene = replace(scene, config=config)
    found_nm, expected_nm = by_autograd(scene, optimiser="LBFGS"), by_lensfree(scene)
    assert correlation(found_nm, expected_nm) > 0.99


def test_every_shipped_setting_is_taken_by_its_method():
    """A misspelt setting would only show after minutes; the calls of packages that are there are tried."""
    scene = case(RGB, bumps_nm())
    for name, method in METHODS.items():
        settings = next(iter(method.settings(scene)))
        if "iterations" in settings:
            settings["iterations"] = 1
        if method.is_installed and name not in ("lensfree", "plain torch autograd", "hotopy TikhonovTV"):
            assert method.run(scene, **settings).shape == SHAPE_YX, name
