"""The compiled loops and the array expressions must give the same numbers."""

import numpy as np
import pytest

from lensfree.phase import expressions, pointwise

SHAPE_YX = (48, 80)
REAL = [(np.float32, 2e-5), (np.float64, 1e-12)]


@pytest.fixture(params=["one slab", "many slabs"], autouse=True)
def slabs(request, monkeypatch):
    if request.param == "many slabs":
        monkeypatch.setattr(pointwise, "SMALLEST_SLAB_PX", 500)
        monkeypatch.setenv("OMP_NUM_THREADS", "5")


def noise(dtype, *shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape or SHAPE_YX).astype(dtype)


@pytest.mark.parametrize(("dtype", "rtol"), REAL)
@pytest.mark.parametrize("weights", [(1, 0.1, 0, 0), (0, 0.1, 1, 0), (0, 0.1, 0, 1), (0.3, 0.05, 2, 0.7)])
def test_add_regulariser(dtype, rtol, weights):
    image, by_loop = noise(dtype), noise(dtype, seed=3)
    by_expression = by_loop.copy()
    names = ("tv_weight", "tv_eps", "negative_weight", "square_weight")
    value = pointwise.add_regulariser(image, by_loop, **dict(zip(names, weights, strict=True)))
    expected = expressions.add_regulariser(image, by_expression, *map(dtype, weights))
    assert value == pytest.approx(expected, rel=rtol)
    np.testing.assert_allclose(by_loop, by_expression, rtol=10 * rtol, atol=10 * rtol)


@pytest.mark.parametrize("weights", [(1, 0.1, 0, 0), (0, 0.1, 1, 0), (0, 0.1, 0, 1)])
def test_the_regularisers_gradient_is_that_of_its_value(weights):
    names = ("tv_weight", "tv_eps", "negative_weight", "square_weight")
    keywords = dict(zip(names, weights, strict=True))
    image, direction, gradient = noise(np.float64), noise(np.float64, seed=9), np.zeros(SHAPE_YX)
    pointwise.add_regulariser(image, gradient, **keywords)
    step = 1e-6
    ahead, behind = (
        pointwise.add_regulariser(image + sign * step * direction, np.zeros(SHAPE_YX), **keywords)
        for sign in (1, -1)
    )
    assert np.vdot(gradient, direction) == pytest.approx((ahead - behind) / (2 * step), rel=1e-6)


def test_regularisers_know_flat_and_positive_maps():
    gradient = np.zeros(SHAPE_YX)
    keywords = {"tv_weight": 1.0, "tv_eps": 0.1, "negative_weight": 1.0, "square_weight": 0.0}
    # Of 3840 terms sqrt(0.1^2) - 0.1, which some processors round to 0 and some to the last bit.
    flat = pointwise.add_regulariser(np.full(SHAPE_YX, 3.0), gradient, **keywords)
    assert abs(flat) <= 3840 * np.spacing(0.1)
    np.testing.assert_array_equal(gradient, 0)
    edge = np.zeros(SHAPE_YX)
    edge[:, :40] = 10.0  # two vertical edges on a periodic grid
    variation = pointwise.add_regulariser(edge, gradient, **keywords)
    assert variation == pytest.approx(2 * 48 * 10, rel=0.02)


@pytest.mark.parametrize(("dtype", "rtol"), REAL)
def test_axpy_and_dot(dtype, rtol):
    left, right = noise(dtype, 2, *SHAPE_YX), noise(dtype, 2, *SHAPE_YX, seed=1)
    exact = float(np.vdot(left.astype(np.float64), right.astype(np.float64)))
    assert pointwise.dot(left, right) == pytest.approx(exact, rel=10 * rtol)
    assert expressions.dot(left, right) == pytest.approx(exact, rel=10 * rtol)
    by_loop, by_expression = right.copy(), right.copy()
    pointwise.axpy(-0.3, left, by_loop)
    expressions.axpy(dtype(-0.3), left, by_expression)
    np.testing.assert_allclose(by_loop, by_expression, rtol=rtol, atol=rtol)
    np.testing.assert_allclose(by_loop, right - 0.3 * left, rtol=rtol, atol=rtol)


@pytest.mark.parametrize(("dtype", "rtol"), REAL)
def test_total_variation_and_its_dual(dtype, rtol):
    image, dual = noise(dtype), noise(dtype, 2, *SHAPE_YX, seed=4)
    assert pointwise.variation(image) == pytest.approx(expressions.variation(image), rel=rtol)
    by_loop, by_expression = np.empty_like(dual), np.empty_like(dual)
    pointwise.dual_step(image, 0.3, 0.7, dual, by_loop)
    expressions.dual_step(image, dtype(0.3), dtype(0.7), dual, by_expression)
    np.testing.assert_allclose(by_loop, by_expression, rtol=10 * rtol, atol=10 * rtol)
    assert np.hypot(*by_loop).max() <= 1 + rtol < np.hypot(*dual).max()
    maps = noise(dtype, 2, *SHAPE_YX, seed=5)
    by_loop, by_expression = maps.copy(), maps.copy()
    pointwise.move_on(image, 0.3, dual, 0.4, *by_loop)
    expressions.move_on(image, dtype(0.3), dual, dtype(0.4), *by_expression)
    np.testing.assert_allclose(by_loop, by_expression, rtol=10 * rtol, atol=10 * rtol)
