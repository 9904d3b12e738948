"""The misfit that distances are compared by: parts count by their ratio, not by their size."""

import numpy as np
import pytest
from scenes import CONFIG, OPTICS, PITCH_UM

from lensfree.optics.hologram import Channel
from lensfree.phase.problem import PARTS, Problem

SHAPE_YX = (PARTS * 14, PARTS * 20)
COLOURS = [Channel(450.0, 1000.0), Channel(640.0, 1000.0)]


def problem(error, saturated=None):
    """Return the problem of two holograms whose amplitude is 1 + error; of an empty sample it is 1."""
    intensity = np.stack([(1 + error) ** 2, (1 - error) ** 2]).astype(np.float32)
    return Problem.build(intensity, COLOURS, PITCH_UM, OPTICS, CONFIG, saturated)


def of_empty(built):
    return built.misfit_of_parts(built.start(np))


def errors(rng):
    per_part = rng.uniform(0.02, 0.2, (PARTS, PARTS))
    return per_part, np.kron(per_part, np.ones((14, 20)))


def test_it_is_the_geometric_mean_over_the_parts():
    per_part, error = errors(np.random.default_rng(0))
    expected = np.exp(np.log(per_part**2).mean())
    assert of_empty(problem(error)) == pytest.approx(expected, rel=1e-3)
    assert expected < 0.9 * (per_part**2).mean()  # which is what the plain mean would say


def test_where_all_parts_are_alike_it_is_the_misfit():
    built = problem(np.full(SHAPE_YX, 0.07))
    assert of_empty(built) == pytest.approx(0.07**2, rel=1e-3)
    assert of_empty(built) == pytest.approx(built.objective.misfit(built.start(np)), rel=1e-3)


def test_a_part_that_is_never_explained_changes_the_level_and_no_ratio():
    ratios = []
    for worst in (0.05, 0.3):
        values = []
        for scale in (1.0, 0.8):  # two distances; the second explains all but one part better
            error = errors(np.random.default_rng(1))[1] * scale
            error[:14, :20] = worst
            values.append(of_empty(problem(error)))
        ratios.append(values[1] / values[0])
    assert ratios[0] == pytest.approx(ratios[1], rel=1e-3)
    assert ratios[0] == pytest.approx(0.8 ** (2 * (1 - 1 / PARTS**2)), rel=1e-3)


def test_missing_pixels_and_whole_missing_parts_do_not_count():
    per_part, error = errors(np.random.default_rng(2))
    holes = error.copy()
    holes[20:24, 30:50] = np.nan
    holes[-14:, -20:] = np.nan
    expected = np.exp(np.log(per_part.ravel()[:-1] ** 2).mean())
    assert of_empty(problem(holes)) == pytest.approx(expected, rel=1e-3)


def test_a_saturated_part_counts_where_the_model_is_darker_only():
    per_part, error = errors(np.random.default_rng(3))
    saturated = np.zeros((2, *SHAPE_YX), bool)
    saturated[1] = True  # its amplitude is below the model's, as it may be
    expected = np.exp(np.log(per_part**2 / 2).mean())
    assert of_empty(problem(error, saturated)) == pytest.approx(expected, rel=1e-3)
