"""L-BFGS on functions whose minimum is known."""

import numpy as np
import pytest

from lensfree.phase.descent import descend


def quadratic(shape=(2, 6, 10), condition=1e3, dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    curvature = np.geomspace(1, condition, int(np.prod(shape))).reshape(shape).astype(dtype)
    centre = rng.standard_normal(shape).astype(dtype)

    def value_and_gradient(unknowns):
        offset = unknowns - centre
        return float(0.5 * np.sum(curvature * offset**2, dtype=np.float64)), curvature * offset

    return value_and_gradient, centre


def rosenbrock(unknowns):
    a, b = unknowns.ravel()
    value = (1 - a) ** 2 + 100 * (b - a * a) ** 2
    gradient = np.array([-2 * (1 - a) - 400 * a * (b - a * a), 200 * (b - a * a)])
    return float(value), gradient.reshape(unknowns.shape)


def test_a_quadratic_is_solved_faster_than_by_steepest_descent():
    function, centre = quadratic(condition=30)
    found = descend(np.zeros((2, 6, 10)), function, iterations=60, first_step=0.05)
    np.testing.assert_allclose(found.unknowns, centre, atol=1e-5)
    assert found.n_evaluations < 90


def test_the_curved_valley_of_rosenbrock_is_followed_to_its_end():
    found = descend(np.array([-1.2, 1.0]).reshape(1, 1, 2), rosenbrock, iterations=100, first_step=1e-3)
    np.testing.assert_allclose(found.unknowns.ravel(), [1, 1], atol=1e-5)


@pytest.mark.parametrize("iterations", [1, 2, 5, 12])
def test_the_value_never_rises_and_belongs_to_the_unknowns(iterations):
    start = np.array([-1.2, 1.0]).reshape(1, 1, 2)
    found = descend(start, rosenbrock, iterations=iterations)
    assert found.value <= rosenbrock(start)[0]
    assert found.value == rosenbrock(found.unknowns)[0]
    fewer = descend(start, rosenbrock, iterations=iterations - 1) if iterations > 1 else None
    assert fewer is None or found.value <= fewer.value


def test_evaluations_are_counted_and_few():
    function, _ = quadratic(condition=30)
    calls = []

    def counted(unknowns):
        calls.append(1)
        return function(unknowns)

    found = descend(np.zeros((2, 6, 10)), counted, iterations=10, first_step=0.05)
    assert found.n_evaluations == len(calls) <= 13


def test_the_start_is_left_alone():
    function, _ = quadratic()
    start = np.zeros((2, 6, 10))
    descend(start, function, iterations=3)
    np.testing.assert_array_equal(start, 0)


def test_a_first_step_far_too_long_is_taken_back():
    function, centre = quadratic(condition=1e4)
    found = descend(np.zeros((2, 6, 10)), function, iterations=5, first_step=1.0)
    assert found.value < function(np.zeros((2, 6, 10)))[0]


def test_the_minimum_itself_is_not_left():
    function, centre = quadratic()
    found = descend(centre, function, iterations=5)
    np.testing.assert_array_equal(found.unknowns, centre)
    assert found.n_evaluations == 1


def test_single_precision_converges_too():
    function, centre = quadratic(condition=100, dtype=np.float32)
    found = descend(np.zeros((2, 6, 10), np.float32), function, iterations=60, first_step=0.02)
    assert found.unknowns.dtype == np.float32
    np.testing.assert_allclose(found.unknowns, centre, atol=1e-3)
