"""What the camera does to the light must not reach the dry mass: its level, and its full scale."""

import numpy as np
import pytest
from scenes import CONFIG, OPTICS, PITCH_UM, RGB, cells_opd_nm, holograms, recorded

from lensfree.phase.retrieve import first_descent, misfit_by_distance, retrieve

INSTRUMENT = {"pixel_pitch_um": PITCH_UM, "optics": OPTICS, "config": CONFIG}
FULL_SCALE = 1.6
"""The camera's largest count over the open beam."""


@pytest.fixture(scope="module")
def scene():
    opd_nm = cells_opd_nm()
    return recorded(opd_nm), holograms(opd_nm, 2e-4 * opd_nm)


def refined(opd_nm, absorption):
    return opd_nm, absorption


def rms(error_nm):
    return float(np.std(error_nm))


@pytest.mark.parametrize("method", ["accelerated", "reference"])
def test_the_level_of_each_colour_is_found_from_its_fringes(scene, method):
    true_nm, intensity = scene
    config = CONFIG.model_copy(update={"method": method, "iterations_reference": 40})
    level = np.array([1.08, 0.95, 1.04], np.float32)[:, None, None]
    arguments = {**INSTRUMENT, "config": config, "refine": refined}
    right = retrieve(intensity, RGB, **arguments)
    lifted = retrieve(intensity * level, RGB, **arguments)
    assert rms(lifted.opd_nm - right.opd_nm) < 1
    assert np.median(lifted.absorption) == pytest.approx(np.median(right.absorption), abs=2e-3)
    assert lifted.misfit == pytest.approx(right.misfit, rel=0.1)


def test_saturated_pixels_known_as_such_cost_little(scene):
    true_nm, intensity = scene
    clipped, saturated = np.minimum(intensity, FULL_SCALE), intensity >= FULL_SCALE
    assert 0.01 < saturated.mean() < 0.1
    right, known, taken_as_light = (
        rms(retrieve(image, RGB, refine=refined, saturated=mask, **INSTRUMENT).opd_nm - true_nm)
        for image, mask in ((intensity, None), (clipped, saturated), (clipped, None))
    )
    assert known < 1.2 * right
    assert taken_as_light > 2 * right


def test_training_input_and_focus_know_saturated_pixels_too(scene):
    true_nm, intensity = scene
    clipped, saturated = np.minimum(intensity, FULL_SCALE), intensity >= FULL_SCALE
    with_mask, without = (
        first_descent(clipped, RGB, saturated=mask, **INSTRUMENT)[0] for mask in (saturated, None)
    )
    assert rms(with_mask - true_nm) < rms(without - true_nm)
    at = [
        misfit_by_distance(clipped, RGB, iterations=5, saturated=m, **INSTRUMENT)(1000.0)
        for m in (saturated, None)
    ]
    assert at[0] < at[1]
