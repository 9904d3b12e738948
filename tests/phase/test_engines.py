"""The two ways to the misfit, block by block and in whole fields, must give the same numbers."""

import numpy as np
import pytest

from lensfree.phase import blocks, blockwise, precondition, wholefield
from lensfree.phase.objective import UNKNOWN

RAD_PER_UNIT = [1.2, 0.97]


def case(dtype, shape_yx):
    """Return amplitude with bounds and gaps, transfers and unknowns of a made-up problem."""
    rng = np.random.default_rng(3)
    unknowns = rng.normal(0, 0.4, (2, *shape_yx)).astype(dtype)
    transfers = np.exp(1j * rng.uniform(0, 6, (2, *shape_yx))) * rng.uniform(0.2, 1, (2, *shape_yx))
    amplitude = abs(rng.normal(1, 0.3, (2, *shape_yx))).astype(dtype)
    amplitude[0, 2:9, :7] *= -1
    amplitude[1, 11:, 5:20] = UNKNOWN
    return amplitude, transfers.astype(np.result_type(dtype, np.complex64)), unknowns


@pytest.fixture(params=["one block", "many blocks"], autouse=True)
def cut(request, monkeypatch):
    if request.param == "many blocks":
        monkeypatch.setattr(blocks, "BLOCK_BYTES", 5000)
        monkeypatch.setattr(blocks, "SMALLEST_SHARED_PX", 0)
        monkeypatch.setenv("OMP_NUM_THREADS", "3")


@pytest.mark.parametrize("shape_yx", [(48, 80), (45, 31), (3, 128)])
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float32, 3e-5), (np.float64, 1e-12)])
def test_misfit_gradient_and_gains(dtype, rtol, shape_yx):
    amplitude, transfers, unknowns = case(dtype, shape_yx)
    by_block, by_field = np.ones_like(unknowns), np.ones_like(unknowns)  # both add to what is there
    totals = [
        engine.add_misfit(amplitude, transfers, RAD_PER_UNIT, unknowns, gradient)
        for engine, gradient in ((blockwise, by_block), (wholefield, by_field))
    ]
    assert by_block.dtype == by_field.dtype == dtype
    assert totals[0] == pytest.approx(totals[1], rel=rtol)
    np.testing.assert_allclose(by_block, by_field, rtol=rtol, atol=30 * rtol)
    rest = (amplitude, transfers, RAD_PER_UNIT, unknowns)
    assert blockwise.misfit(*rest) == pytest.approx(totals[0], rel=rtol)
    assert wholefield.misfit(*rest) == pytest.approx(totals[0], rel=rtol)
    np.testing.assert_allclose(blockwise.gains(*rest), wholefield.gains(*rest), rtol=rtol)


def test_buffers_are_used_again_and_carry_nothing_over():
    amplitude, transfers, unknowns = case(np.float64, (48, 80))
    space = blockwise.Workspace.like(transfers[0])
    gradients = [np.zeros_like(unknowns) for _ in range(3)]
    for gradient, buffers in zip(gradients, (space, space, None), strict=True):
        blockwise.add_misfit(amplitude, transfers, RAD_PER_UNIT, unknowns, gradient, buffers)
    np.testing.assert_array_equal(gradients[0], gradients[1])
    np.testing.assert_array_equal(gradients[0], gradients[2])


def test_a_field_without_light_has_no_direction_and_no_gradient():
    amplitude, transfers, unknowns = case(np.float64, (6, 10))
    unknowns[1] = 800  # exp(-800) is 0
    for engine in (blockwise, wholefield):
        gradient = np.zeros_like(unknowns)
        engine.add_misfit(amplitude, transfers, RAD_PER_UNIT, unknowns, gradient)
        np.testing.assert_array_equal(gradient, 0)


def test_an_error_in_a_thread_is_not_lost(monkeypatch):
    amplitude, transfers, unknowns = case(np.float32, (48, 80))
    monkeypatch.setattr(blockwise.loops, "add_gradient", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        blockwise.add_misfit(amplitude, transfers, RAD_PER_UNIT, unknowns, np.zeros_like(unknowns))


@pytest.mark.parametrize("shape_yx", [(48, 80), (45, 31)])
def test_the_metric_is_the_same_in_blocks_as_in_whole_fields(shape_yx):
    rng = np.random.default_rng(5)
    gradient = rng.normal(size=(2, *shape_yx))
    inverse = rng.uniform(0.5, 2, (3, shape_yx[0], shape_yx[1] // 2 + 1))
    opd, absorption = np.fft.rfft2(gradient)
    expected = [np.fft.irfft2(inverse[i] * opd + inverse[i + 1] * absorption, shape_yx) for i in (0, 1)]
    np.testing.assert_allclose(precondition._apply_blockwise(inverse, gradient), expected, atol=1e-12)
