"""The GPU's kernels: run by a C++ compiler they give the expressions' numbers; without one nothing crashes.

The last test compiles them with NVIDIA's compiler where there is one. No test here needs or uses a GPU.
"""

import logging
import shutil
import subprocess
from types import FunctionType

import cuda_on_host
import numpy as np
import pytest
import strict_cupy

from lensfree.phase import expressions, kernels

needs_compiler = pytest.mark.skipif(cuda_on_host.COMPILER is None, reason="no C++ compiler")
CODE = kernels.SOURCE.read_text(encoding="utf-8")


@pytest.fixture
def cupy(monkeypatch):
    return strict_cupy.install(monkeypatch, cuda_on_host.HostModule)


@pytest.fixture(params=[2048, 1], ids=["many blocks", "one block"])
def grids(request, monkeypatch):
    """Threads with a pixel or none, and with several."""
    monkeypatch.setattr(kernels, "MOST_BLOCKS", request.param)


@needs_compiler
@pytest.mark.parametrize("shape_yx", [(7, 11), (1, 5), (45, 31)])
def test_every_kernel_gives_the_numbers_of_its_expression(cupy, grids, monkeypatch, shape_yx):
    monkeypatch.setattr(kernels, "CHECKED_YX", shape_yx)
    assert kernels.disagreements(cupy, kernels.Kernels(cupy)) == []
    assert kernels.passes(cupy.asarray(np.ones(3, np.float32))).__class__ is kernels.Kernels


def test_every_kernel_is_held_against_its_expression(cupy):
    checked = set(kernels._calls(cupy)) - {"filter_spectrum, adjoint"}
    assert checked == set(cuda_on_host.signatures(CODE)) == functions(kernels.Kernels)
    assert checked == functions(expressions) - {"array_namespace"}


def functions(holder):
    return {name for name, what in vars(holder).items() if type(what) is FunctionType and name[0] != "_"}


WRONG = {
    "of sign and index": {
        "transmittance": ("modulus * sine", "-modulus * sine"),
        "filter_spectrum, adjoint": ("sign * scale", "scale"),
        "amplitude_residual": ("factor * value.x", "2 * error * value.x"),
        "squared_error": ("above > 0 ? 0 : above", "above"),
        "add_regulariser": ("above.y - here.y", "above.x - here.y"),
        "axpy": ("+= factor", "-= factor"),
        "dual_step": ("pace * (below - here)", "pace * (here - below)"),
        "mix_spectra": ("b * one.y + c * two.y", "b * one.y + a * two.y"),
    },
    "of edges and sums": {
        "add_gradient": ("/ channels", "/ (channels + 1)"),
        "add_regulariser": ("x > 0 ? x - 1 : nx - 1", "x > 0 ? x - 1 : 0"),
        "variation": ("sum += (double)unit_step", "sum = (double)unit_step"),
        "move_on": ("y > 0 ? y - 1 : ny - 1) * nx + x", "y > 0 ? y - 1 : 0) * nx + x"),
        "dot": ("sum += (double)left", "sum = (double)left"),
    },
}


@needs_compiler
@pytest.mark.parametrize("mistakes", WRONG.values(), ids=WRONG)
def test_wrong_kernels_are_found_out_and_not_used(cupy, monkeypatch, caplog, tmp_path, mistakes):
    monkeypatch.setattr(kernels, "MOST_BLOCKS", 1)
    monkeypatch.setattr(kernels, "THREADS_PER_BLOCK", 8)  # several pixels per thread
    code = CODE
    for right, wrong in mistakes.values():
        assert right in code
        code = code.replace(right, wrong)
    (tmp_path / "kernels.cu").write_text(code, encoding="utf-8")
    monkeypatch.setattr(kernels, "SOURCE", tmp_path / "kernels.cu")
    field = cupy.asarray(np.ones((2, 3), np.float32))
    with caplog.at_level(logging.WARNING):
        assert kernels.passes(field) is expressions
        assert kernels.passes(field) is expressions
    (said,) = (record.getMessage() for record in caplog.records)  # once, not at every pass
    assert "wrong results of" in said and all(name in said for name in mistakes)


def test_kernels_that_do_not_compile_are_said_and_replaced(monkeypatch, caplog):
    cupy = strict_cupy.install(monkeypatch, strict_cupy.no_compiler)
    with caplog.at_level(logging.WARNING):
        assert kernels.passes(cupy.asarray(np.ones((2, 3), np.float32))) is expressions
    assert "cannot be used" in caplog.text and "the stand-in has no compiler" in caplog.text


def test_a_full_device_is_no_reason_to_give_the_kernels_up(monkeypatch):
    def full(code):
        raise MemoryError("out of memory")

    cupy = strict_cupy.install(monkeypatch, full)
    with pytest.raises(MemoryError):
        kernels.passes(cupy.asarray(np.ones((2, 3), np.float32)))
    if cuda_on_host.COMPILER:
        cupy.RawModule = cuda_on_host.HostModule
        assert type(kernels.passes(cupy.asarray(np.ones((2, 3), np.float32)))) is kernels.Kernels


@needs_compiler
def test_arrays_that_kernels_cannot_take_go_to_the_expressions(cupy):
    double = cupy.asarray(np.ones((4, 6)))
    single = cupy.asarray(np.ones((4, 6), np.float32))
    assert kernels.passes(single, double) is expressions
    assert kernels.passes(single, single[:, ::2]) is expressions
    assert kernels.passes(np.ones(3, np.float32)) is expressions


@needs_compiler
def test_a_pixel_that_is_not_a_number_stays_one(cupy):
    """A minimum that drops it would hide a descent that went wrong."""
    by = kernels.Kernels(cupy)
    field = cupy.asarray(np.array([np.nan, 1, 1], np.complex64))
    for amplitude in (1, -1):
        s = cupy.asarray(np.full(3, amplitude, np.float32))
        assert np.isnan(by.squared_error(field, s)) and np.isnan(by.amplitude_residual(field.copy(), s)[1])


NVCC = shutil.which("nvcc")


@pytest.mark.skipif(NVCC is None, reason="no CUDA compiler")
@pytest.mark.parametrize("card", ["sm_80", "sm_90"])
def test_nvidias_compiler_takes_the_kernels(tmp_path, card):
    command = [NVCC, "-cubin", f"-arch={card}", "-ftz=true", "-o", tmp_path / "kernels.cubin", kernels.SOURCE]
    subprocess.run(command, check=True, capture_output=True)
    binary = (tmp_path / "kernels.cubin").read_bytes()
    assert all(name.encode() in binary for name in cuda_on_host.signatures(CODE))
