"""The weak-sample metric inverts the objective's curvature, and a descent in it goes further."""

import numpy as np
import pytest
from scenes import CONFIG, OPTICS, PITCH_UM, RGB, cells_opd_nm, holograms, recorded

from lensfree.optics.hologram import build_transfers
from lensfree.phase.objective import NM_PER_UNIT, Objective
from lensfree.phase.precondition import weak_sample_metric
from lensfree.phase.retrieve import first_descent

SHAPE_YX = (60, 81)  # an even and an odd side: real transforms treat them differently
WAVELENGTHS_NM = [channel.wavelength_nm for channel in RGB]
DAMPING = 0.05


def weak_objective(**weights) -> Objective:
    """A flat sample, recorded everywhere, so that the curvature is that of the theory."""
    transfers = build_transfers(RGB, np.empty(SHAPE_YX, complex), pixel_pitch_um=PITCH_UM, optics=OPTICS)
    silent = dict(tv_weight=0.0, absorption_tv_weight=0.0, slow_opd_weight=0.0)
    config = CONFIG.model_copy(
        update={**silent, "negative_opd_weight": 0.0, "negative_absorption_weight": 0.0, **weights}
    )
    return Objective(np.ones((len(RGB), *SHAPE_YX)), transfers, WAVELENGTHS_NM, config)


@pytest.mark.parametrize("which", ["opd", "absorption", "both"])
@pytest.mark.parametrize("has_tv", [False, True])
def test_the_metric_inverts_the_gradient_of_a_weak_sample(which, has_tv):
    weights = (
        dict(tv_weight=0.02, tv_eps_nm=50.0, absorption_tv_weight=0.03, absorption_tv_eps=0.3)
        if has_tv
        else {}
    )
    objective = weak_objective(**weights)
    weak = 1e-4 * np.random.default_rng(0).normal(size=(2, *SHAPE_YX))
    weak[0] *= which != "absorption"
    weak[1] *= which != "opd"
    _, gradient = objective.value_and_gradient(weak)
    metric = weak_sample_metric(
        objective.transfers,
        WAVELENGTHS_NM,
        nm_per_unit=NM_PER_UNIT,
        damping=DAMPING,
        roughness=(0.02 / 0.5, 0.03 / 0.3) if has_tv else (0.0, 0.0),
    )
    np.testing.assert_allclose(metric(gradient + DAMPING * weak), weak, atol=2e-3 * np.abs(weak).max())


def test_ten_iterations_in_the_metric_come_closer_at_the_periods_of_cells_than_ten_without():
    opd_nm = cells_opd_nm()
    intensity = holograms(opd_nm, np.zeros_like(opd_nm))
    truth_nm = recorded(opd_nm)
    frequencies = [np.fft.fftfreq(n, PITCH_UM) for n in truth_nm.shape]
    is_of_cells = np.hypot(frequencies[0][:, None], frequencies[1][None, :]) > 1 / 80  # per um

    def error_nm(damping: float) -> float:
        found_nm, _ = first_descent(
            intensity,
            RGB,
            pixel_pitch_um=PITCH_UM,
            optics=OPTICS,
            config=CONFIG.model_copy(update={"metric_damping": damping}),
        )
        error = np.fft.ifft2(np.fft.fft2(found_nm - truth_nm) * is_of_cells).real
        return float(np.sqrt(np.mean(error**2)))

    assert error_nm(0.3) < 0.95 * error_nm(0.0)
