"""Total variation against its closed solution, and the accelerated descent on functions with known minima."""

import numpy as np
import pytest

from lensfree.phase.pointwise import variation
from lensfree.phase.proximal import Denoiser, annealed, descend_proximal

SHAPE = (2, 30, 44)
BAND = slice(10, 18)


def bands(low: float = 0.0, high: float = 3.0) -> np.ndarray:
    """Return maps with a band of other level across each, down in the second."""
    maps = np.full(SHAPE, low)
    maps[0, :, BAND] = high
    maps[1, BAND] = high
    return maps


def less_varied(weight: float) -> np.ndarray:
    """Return the minimiser of |x - bands|^2 / 2 + weight TV(x): levels give way."""
    n = BAND.stop - BAND.start
    maps = np.empty(SHAPE)
    for image, noisy, length in zip(maps, bands(), (SHAPE[2], SHAPE[1]), strict=True):
        image[...] = np.where(noisy > 0, 3.0 - 2 * weight / n, 2 * weight / (length - n))
    return maps


def test_bands_give_way_as_the_closed_solution_says():
    denoise, found = Denoiser(bands()), bands()
    for _ in range(400):
        denoise(bands(), (0.7, 0.7), 0.0, found)
    np.testing.assert_allclose(found, less_varied(0.7), atol=2e-3)


def test_denoising_keeps_the_sum_and_lowers_the_objective():
    noisy = np.random.default_rng(0).standard_normal(SHAPE)
    denoise, found = Denoiser(noisy), noisy.copy()
    values = []
    for _ in range(6):
        denoise(noisy, (0.3, 0.0), 0.0, found)
        values.append(0.5 * np.sum((found[0] - noisy[0]) ** 2) + 0.3 * variation(found[0]))
    np.testing.assert_allclose(found.sum(axis=(1, 2)), noisy.sum(axis=(1, 2)), atol=1e-9)
    assert all(np.diff(values) < 0) and values[0] < 0.3 * variation(noisy[0])
    np.testing.assert_array_equal(found[1], noisy[1])  # no weight, no change


def test_the_optimality_conditions_hold():
    """noisy - x is weight times a subgradient z of TV: <z, x> = TV(x), and <z, y> <= TV(y) for every y."""
    noisy = np.random.default_rng(0).standard_normal((1, 12, 20))
    denoise, found = Denoiser(noisy), noisy.copy()
    for _ in range(1500):
        denoise(noisy, (0.3,), 0.0, found)
    slope = (noisy - found)[0] / 0.3
    assert np.sum(slope * found[0]) == pytest.approx(variation(found[0]), rel=1e-3)
    for seed in range(1, 6):
        other = np.random.default_rng(seed).standard_normal((12, 20))
        assert np.sum(slope * other) <= variation(other)


def test_variation_is_that_of_a_single_step():
    image = np.zeros(SHAPE[1:])
    image[3, 4] = 1.0  # itself, its upper and its left neighbour: sqrt(2) + 1 + 1
    assert variation(image) == pytest.approx(2 + 2**0.5)


def test_what_lies_ahead_is_seen_from_the_last_point():
    last, point = np.zeros(SHAPE), np.zeros(SHAPE)
    ahead = Denoiser(last)(bands(), (0.1, 0.1), 0.5, point)
    np.testing.assert_allclose(ahead, 1.5 * point)
    assert point.max() > 2


def quadratic(centre: np.ndarray, curvature: np.ndarray | float):
    def value_and_gradient(unknowns):
        value_and_gradient.calls += 1
        offset = unknowns - centre
        return float(0.5 * np.sum(curvature * offset**2)), curvature * offset

    value_and_gradient.calls = 0
    return value_and_gradient


@pytest.mark.parametrize(("annealing", "tolerance"), [(1.0, 5e-3), (30.0, 2e-2)])
def test_a_quadratic_with_total_variation_ends_at_its_closed_solution(annealing, tolerance):
    function = quadratic(bands(), 1.0)
    found = descend_proximal(
        np.zeros(SHAPE), function, evaluations=200, tv_weights=(0.7, 0.7), annealing=annealing
    )
    np.testing.assert_allclose(found, less_varied(0.7), atol=tolerance)
    assert function.calls == 200


def test_momentum_beats_plain_steps_on_an_ill_conditioned_quadratic():
    rng = np.random.default_rng(1)
    curvature = np.geomspace(2e-2, 2, int(np.prod(SHAPE))).reshape(SHAPE)
    centre = rng.standard_normal(SHAPE)
    found = descend_proximal(np.zeros(SHAPE), quadratic(centre, curvature), evaluations=60, tv_weights=(0, 0))
    plain = centre * (1 - (1 - 0.5 * curvature) ** 60)
    assert np.abs(found - centre).max() < 0.2 * np.abs(plain - centre).max()


def test_a_function_more_curved_than_the_step_allows_is_followed_with_shorter_ones():
    centre = np.random.default_rng(2).standard_normal(SHAPE)
    found = descend_proximal(np.zeros(SHAPE), quadratic(centre, 15.0), evaluations=60, tv_weights=(0, 0))
    np.testing.assert_allclose(found, centre, atol=1e-3)


def test_the_start_is_left_as_it_was_and_no_evaluation_returns_it():
    start = bands()
    descend_proximal(start, quadratic(np.zeros(SHAPE), 1.0), evaluations=5, tv_weights=(0.1, 0.1))
    np.testing.assert_array_equal(start, bands())
    same = descend_proximal(start, quadratic(start, 1.0), evaluations=0, tv_weights=(0.1, 0.1))
    np.testing.assert_array_equal(same, start)


def test_annealing_falls_from_the_first_weight_to_the_last():
    weights = [annealed(30.0, 1.0, share) for share in np.linspace(0, 1, 50)]
    assert weights[0] == pytest.approx(30) and weights[-1] == pytest.approx(1)
    assert all(np.diff(weights) < 0)
