"""The objective against finite differences and against facts about holograms."""

from dataclasses import replace

import numpy as np
import pytest

from lensfree.config import OpticsConfig, ReconstructConfig
from lensfree.optics.hologram import Channel, build_transfers
from lensfree.phase import wholefield
from lensfree.phase.objective import NM_PER_UNIT, UNKNOWN, Objective

SHAPE_YX = (48, 80)
CHANNELS = (Channel(450.0, 800.0), Channel(640.0, 800.0, 2.0, -1.0))
DATA_ONLY = ReconstructConfig(
    tv_weight=0,
    absorption_tv_weight=0,
    slow_opd_weight=0,
    negative_opd_weight=0,
    negative_absorption_weight=0,
)


def smooth_unknowns(seed=0):
    """Return OPD of a few 100 nm and absorption of a few tenths, both signs, float64."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.fft2(rng.standard_normal((2, *SHAPE_YX)))
    fy, fx = np.fft.fftfreq(SHAPE_YX[0])[:, None], np.fft.fftfreq(SHAPE_YX[1])[None, :]
    maps = np.fft.ifft2(spectrum * np.exp(-200 * (fy**2 + fx**2))).real
    maps /= maps.std(axis=(1, 2), keepdims=True)
    return maps * np.array([1.5, 0.1])[:, None, None]


def modelled(objective, unknowns):
    """Return the amplitude that the model expects, (channel, y, x)."""
    rad_per_unit = [2 * np.pi * NM_PER_UNIT / wavelength_nm for wavelength_nm in objective.wavelengths_nm]
    return abs(wholefield.sensor_field(objective.transfers, rad_per_unit, unknowns))


def build(config=DATA_ONLY, truth=None, channels=CHANNELS):
    like = np.empty(SHAPE_YX, np.complex128)
    transfers = build_transfers(channels, like, pixel_pitch_um=1.67, optics=OpticsConfig())
    objective = Objective(
        np.ones((len(channels), *SHAPE_YX)), transfers, [c.wavelength_nm for c in channels], config
    )
    truth = smooth_unknowns(5) if truth is None else truth
    amplitude = modelled(objective, truth)
    return replace(objective, amplitude=amplitude)


@pytest.mark.parametrize(
    "config",
    [DATA_ONLY, ReconstructConfig(), ReconstructConfig(slow_opd_weight=1, tv_weight=1, tv_eps_nm=30)],
    ids=["data", "defaults", "strong"],
)
@pytest.mark.parametrize("plane", [0, 1], ids=["opd", "absorption"])
def test_the_gradient_is_the_finite_difference_of_the_value(config, plane):
    objective, unknowns = build(config), smooth_unknowns(1)
    direction = np.zeros_like(unknowns)
    direction[plane] = np.random.default_rng(2).standard_normal(SHAPE_YX)
    _, gradient = objective.value_and_gradient(unknowns)
    step = 1e-6
    ahead, behind = (objective.value_and_gradient(unknowns + sign * step * direction)[0] for sign in (1, -1))
    assert np.vdot(gradient, direction) == pytest.approx((ahead - behind) / (2 * step), rel=2e-6)


def test_the_truth_explains_its_own_holograms():
    truth = smooth_unknowns(5)
    objective = build(truth=truth)
    value, gradient = objective.value_and_gradient(truth)
    assert value == pytest.approx(0, abs=1e-20)
    np.testing.assert_allclose(gradient, 0, atol=1e-10)
    assert objective.misfit(truth) == pytest.approx(0, abs=1e-20)
    assert objective.misfit(smooth_unknowns(1)) > 1e-3


def test_a_uniform_opd_changes_no_hologram_but_absorption_does():
    objective, truth = build(), smooth_unknowns(5)
    lifted = truth + np.array([0.77, 0.0])[:, None, None]
    assert objective.misfit(lifted) == pytest.approx(0, abs=1e-20)
    darker = truth + np.array([0.0, 0.1])[:, None, None]
    assert objective.misfit(darker) > 1e-3


def test_one_whole_wavelength_more_is_seen_by_the_other_colours_only():
    # OPD 450 nm is a full turn of blue and not of red: that is what two colours can unwrap
    step = np.zeros((2, *SHAPE_YX))
    step[0, 20:30, 30:44] = 450.0 / NM_PER_UNIT
    blue, red = (build(truth=np.zeros_like(step), channels=(channel,)) for channel in CHANNELS)
    assert blue.misfit(step) == pytest.approx(0, abs=1e-18)
    assert red.misfit(step) > 1e-3


def test_pixels_that_were_not_recorded_have_no_say():
    objective = build()
    hidden = objective.amplitude.copy()
    hidden[0, 10:20, 5:60] = UNKNOWN
    unknowns = smooth_unknowns(1)
    with_gap, without = replace(objective, amplitude=hidden), objective
    field = modelled(objective, unknowns)[0]
    inside = ((field - objective.amplitude[0]) ** 2)[10:20, 5:60].sum() / len(CHANNELS)
    assert without.value_and_gradient(unknowns)[0] - with_gap.value_and_gradient(unknowns)[
        0
    ] == pytest.approx(inside)
    assert with_gap.misfit(unknowns) * (hidden != UNKNOWN).sum() == pytest.approx(
        without.misfit(unknowns) * hidden.size - inside * len(CHANNELS)
    )


def test_a_bound_counts_only_where_the_field_is_below_it():
    unknowns = smooth_unknowns(1)
    objective = build()
    field = modelled(objective, unknowns)[0]
    amplitude = objective.amplitude.copy()
    amplitude[0] = -0.9 * field  # the light was at least that, and is
    met = replace(objective, amplitude=amplitude)
    blue_alone = replace(met, amplitude=amplitude[1:], transfers=met.transfers[1:], wavelengths_nm=[640.0])
    assert met.value_and_gradient(unknowns)[0] == pytest.approx(
        blue_alone.value_and_gradient(unknowns)[0] / 2
    )
    amplitude[0] = -1.2 * field
    expected = ((0.2 * field) ** 2).sum() / 2 + blue_alone.value_and_gradient(unknowns)[0] / 2
    missed = replace(objective, amplitude=amplitude)
    assert missed.value_and_gradient(unknowns)[0] == pytest.approx(expected)


def test_the_gradient_holds_with_bounds_too():
    objective, unknowns = build(), smooth_unknowns(1)
    objective.amplitude[:, ::3] *= -1
    direction = np.random.default_rng(2).standard_normal(unknowns.shape)
    _, gradient = objective.value_and_gradient(unknowns)
    step = 1e-6
    ahead, behind = (objective.value_and_gradient(unknowns + sign * step * direction)[0] for sign in (1, -1))
    assert np.vdot(gradient, direction) == pytest.approx((ahead - behind) / (2 * step), rel=2e-6)


def test_gains_are_the_factors_of_the_measured_amplitudes():
    truth = smooth_unknowns(5)
    objective = build(truth=truth)
    measured = objective.amplitude * np.array([1.07, 0.94])[:, None, None]
    measured[0, 5:9] = -0.1  # bounds and gaps have no say
    measured[1, 30:, :7] = UNKNOWN
    np.testing.assert_allclose(replace(objective, amplitude=measured).gains(truth), [1.07, 0.94], rtol=1e-6)


def test_misfit_is_a_mean_over_recorded_pixels_and_channels():
    objective = build(truth=np.zeros((2, *SHAPE_YX)))
    amplitude = np.full((2, *SHAPE_YX), UNKNOWN)
    amplitude[0, :10, :10] = 1.3  # open beam should be 1
    amplitude[1, :10, :10] = 1.1
    objective = replace(objective, amplitude=amplitude)
    assert objective.misfit(np.zeros((2, *SHAPE_YX))) == pytest.approx((0.3**2 + 0.1**2) / 2)


def test_weights_are_in_the_units_that_the_configuration_states():
    flat = np.zeros((2, *SHAPE_YX))
    flat[0] = -20 / NM_PER_UNIT
    config = DATA_ONLY.model_copy(update={"negative_opd_weight": 1e-4})  # per nm2
    value, _ = build(config, truth=flat).value_and_gradient(flat)
    assert value == pytest.approx(1e-4 * 20**2 * flat[0].size)
    edges = np.zeros((2, *SHAPE_YX))
    edges[0, :, 20:60] = 300 / NM_PER_UNIT  # two edges of 300 nm in every row
    config = DATA_ONLY.model_copy(update={"tv_weight": 1e-3, "tv_eps_nm": 1e-3})  # per 100 nm
    value, _ = build(config, truth=edges).value_and_gradient(edges)
    assert value == pytest.approx(1e-3 * 2 * 3 * SHAPE_YX[0], rel=1e-4)
    absorbing = np.zeros((2, *SHAPE_YX))
    absorbing[1] = -0.1
    config = DATA_ONLY.model_copy(update={"negative_absorption_weight": 0.3})
    value, _ = build(config, truth=absorbing).value_and_gradient(absorbing)
    assert value == pytest.approx(0.3 * 0.1**2 * absorbing[1].size)


def test_single_precision_follows_double_precision():
    double = build(ReconstructConfig())
    single = replace(
        double,
        amplitude=double.amplitude.astype(np.float32),
        transfers=double.transfers.astype(np.complex64),
    )
    unknowns = smooth_unknowns(1)
    value, gradient = double.value_and_gradient(unknowns)
    value_single, gradient_single = single.value_and_gradient(unknowns.astype(np.float32))
    assert gradient_single.dtype == np.float32
    assert value_single == pytest.approx(value, rel=1e-5)
    np.testing.assert_allclose(gradient_single, gradient, atol=1e-4 * abs(gradient).max())
