"""The device's code path on a strict stand-in for CuPy: same numbers, and nothing leaves the device.

Once with the kernels of the GPU, run by a C++ compiler's program, once with the expressions.
"""

import cuda_on_host
import numpy as np
import pytest
import strict_cupy
from scenes import CONFIG, OPTICS, PITCH_UM, RGB, cells_opd_nm, holograms

from lensfree.phase import kernels
from lensfree.phase.retrieve import misfit_by_distance, retrieve

INSTRUMENT = {"pixel_pitch_um": PITCH_UM, "optics": OPTICS}
FEW = CONFIG.model_copy(update={"iterations_first": 3, "iterations_last": 3, "iterations_reference": 4})


@pytest.fixture(params=["kernels", "expressions"])
def cupy(request, monkeypatch):
    if request.param == "expressions":
        return strict_cupy.install(monkeypatch)
    if cuda_on_host.COMPILER is None:
        pytest.skip("no C++ compiler")
    monkeypatch.setattr(kernels, "MOST_BLOCKS", 8)  # a thread takes its time here
    installed = strict_cupy.install(monkeypatch, cuda_on_host.HostModule)
    assert type(kernels.passes(installed.asarray(np.ones(3, np.float32)))) is kernels.Kernels
    return installed


@pytest.fixture(scope="module")
def intensity():
    opd_nm = cells_opd_nm()
    return holograms(opd_nm, 3e-4 * opd_nm).astype(np.float32)


def test_the_stand_in_is_strict(cupy):
    on_device, on_host = cupy.asarray(np.ones(3)), np.ones(3)
    for mix in (
        lambda: on_device + on_host,
        lambda: on_host * on_device,
        lambda: np.sqrt(on_device),
        lambda: cupy.sqrt(on_host),
        lambda: np.asarray(on_device),
    ):
        with pytest.raises(TypeError):
            mix()
    assert float(cupy.sum(on_device + 1)) == 6


@pytest.mark.parametrize("method", ["accelerated", "reference"])
def test_retrieval_stays_on_the_device_and_gives_the_cpus_numbers(cupy, intensity, method):
    config = FEW.model_copy(update={"method": method})

    def refine(opd_nm, absorption):
        assert type(opd_nm) is seen
        return opd_nm * 1.1, absorption

    seen = np.ndarray
    on_cpu = retrieve(intensity, RGB, config=config, refine=refine, **INSTRUMENT)
    seen = cupy.ndarray
    found = retrieve(cupy.asarray(intensity), RGB, config=config, refine=refine, **INSTRUMENT)
    assert type(found.opd_nm) is type(found.absorption) is cupy.ndarray
    np.testing.assert_allclose(found.opd_nm.get(), on_cpu.opd_nm, atol=0.1)
    np.testing.assert_allclose(found.absorption.get(), on_cpu.absorption, atol=1e-3)
    assert found.misfit == pytest.approx(on_cpu.misfit, rel=1e-3)


def test_a_gap_in_the_field_is_a_gap_on_the_device_too(cupy, intensity):
    holed = intensity.copy()
    holed[1, 20:40, 30:70] = np.nan
    on_cpu = retrieve(holed, RGB, config=FEW, **INSTRUMENT)
    found = retrieve(cupy.asarray(holed), RGB, config=FEW, **INSTRUMENT)
    np.testing.assert_allclose(found.opd_nm.get(), on_cpu.opd_nm, atol=0.1)


def test_the_focus_misfit_runs_on_the_device(cupy, intensity):
    args = {"config": FEW, "iterations": 2, **INSTRUMENT}
    on_cpu = misfit_by_distance(intensity, RGB, **args)(990.0)
    assert misfit_by_distance(cupy.asarray(intensity), RGB, **args)(990.0) == pytest.approx(on_cpu, rel=1e-3)
