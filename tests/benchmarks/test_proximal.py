"""Total variation: its prox against a known solution and its optimality, and the annealed descent."""

import numpy as np
import pytest
from proximal import accelerated_proximal, annealed, tv_prox, variation
from step_rules import Ledger

SHAPE_YX = (12, 20)


def noisy(seed=0):
    return np.random.default_rng(seed).standard_normal(SHAPE_YX)


@pytest.mark.parametrize("axis", [0, 1])
def test_a_plateau_is_lowered_by_the_known_amount(axis):
    """A plateau of m of n periodic pixels loses 2 w / m, the rest gains 2 w / (n - m)."""
    n, m, height, weight = SHAPE_YX[axis], 5, 3.0, 0.4
    line = np.where(np.arange(n) < m, height, 0.0)
    image = np.broadcast_to(np.expand_dims(line, 1 - axis), SHAPE_YX).copy()
    found, _ = tv_prox(image, weight, iterations=2000)
    expected = np.where(image > 0, height - 2 * weight / m, 2 * weight / (n - m))
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_the_optimality_conditions_hold():
    """image - x is weight times a subgradient z of TV: <z, x> = TV(x), and <z, y> <= TV(y) for every y."""
    image, weight = noisy(), 0.3
    found, dual = tv_prox(image, weight, iterations=3000)
    slope = (image - found) / weight
    assert np.sum(slope * found) == pytest.approx(variation(found), rel=1e-4)
    assert np.sqrt(np.sum(dual**2, axis=0)).max() <= 1 + 1e-12
    for seed in range(1, 6):
        other = noisy(seed)
        assert np.sum(slope * other) <= variation(other)


def test_the_mean_is_kept_and_a_large_weight_leaves_only_it():
    image = noisy() + 2
    found, _ = tv_prox(image, 0.3)
    assert found.mean() == pytest.approx(image.mean(), rel=1e-12)
    flat, _ = tv_prox(image, 1000.0, iterations=3000)
    np.testing.assert_allclose(flat, image.mean(), atol=0.05)


def test_no_weight_changes_nothing():
    image = noisy()
    np.testing.assert_array_equal(tv_prox(image, 0.0)[0], image)


def test_a_dual_of_before_brings_a_few_iterations_nearer():
    image, weight = noisy(), 0.5
    exact, dual = tv_prox(image, weight, iterations=3000)
    nearby = image + 0.01 * noisy(9)
    wanted, _ = tv_prox(nearby, weight, iterations=3000)
    warm, cold = tv_prox(nearby, weight, dual)[0], tv_prox(nearby, weight)[0]
    assert np.abs(warm - wanted).max() < 0.3 * np.abs(cold - wanted).max()


def test_variation_is_that_of_a_single_step():
    image = np.zeros(SHAPE_YX)
    image[3, 4] = 1.0  # itself, its upper and its left neighbour: sqrt(2) + 1 + 1
    assert variation(image) == pytest.approx(2 + 2**0.5)


def test_the_weight_falls_along_the_logistic_curve():
    weights = [annealed(8.0, 4.0, progress) for progress in (0.0, 0.5, 1.0)]
    np.testing.assert_allclose(weights, [8 - 4 / (1 + np.exp(5)), 6, 4 + 4 / (1 + np.exp(5))])


@pytest.mark.parametrize("first_over_last", [1.0, 5.0])
def test_the_descent_ends_where_the_prox_does(first_over_last):
    """With half of |x - image|^2 as smooth part the minimiser is the prox of each plane."""
    images = np.stack([noisy(1), noisy(2)])
    tv_weights = (0.3, 0.1)
    ledger = Ledger([300], np.zeros_like(images))

    def evaluate(unknowns):
        return 0.5 * float(np.sum((unknowns - images) ** 2)), unknowns - images

    found = ledger.run(
        lambda: accelerated_proximal(
            np.zeros_like(images),
            ledger.booked(evaluate, 1),
            ledger,
            iterations=300,
            tv_weights=tv_weights,
            first_over_last=first_over_last,
        )
    )[300]
    left = annealed(first_over_last, 1.0, 299 / 300)  # the logistic curve does not end at its last value
    expected = [
        tv_prox(image, left * w, iterations=3000)[0] for image, w in zip(images, tv_weights, strict=True)
    ]
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_a_step_far_too_long_is_halved_until_the_parabola_bounds():
    """A bowl of curvature 8 needs steps of 1 / 8; the first trial is 16 times as long."""
    steps = []

    def evaluate(unknowns):
        steps.append(float(unknowns.max()))
        return 4 * float(np.sum((unknowns - 1) ** 2)), 8 * (unknowns - 1)

    start = np.zeros((1, *SHAPE_YX))
    ledger = Ledger([40], start)
    found = ledger.run(
        lambda: accelerated_proximal(
            start, ledger.booked(evaluate, 1), ledger, iterations=40, tv_weights=(0.1,), step=2.0
        )
    )[40]
    np.testing.assert_allclose(steps[:6], [0, 16, 8, 4, 2, 1])
    np.testing.assert_allclose(found, 1, atol=1e-6)
