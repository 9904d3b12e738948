"""GPU and CPU retrieve the same, 0.1 nm apart at most; with kernels, without them, in tiles, with gaps."""

from dataclasses import replace

import numpy as np
import pytest
from scenes import CONFIG, OPTICS, PITCH_UM, RGB, SHAPE_YX, cells_opd_nm, holograms

from lensfree.phase import kernels
from lensfree.phase.retrieve import misfit_by_distance, retrieve
from lensfree.phase.retriever import Retriever

pytestmark = pytest.mark.gpu

INSTRUMENT = {"pixel_pitch_um": PITCH_UM, "optics": OPTICS}
REFERENCE = CONFIG.model_copy(update={"method": "reference", "iterations_reference": 153})
NEAR_NM = 0.1


@pytest.fixture(scope="module", params=[False, True], ids=["flat", "wrapped"])
def intensity(request):
    opd_nm = cells_opd_nm(is_with_wrapped=request.param)
    return holograms(opd_nm, 3e-4 * opd_nm)


@pytest.fixture(params=["kernels", "expressions"])
def passes(request, monkeypatch):
    if request.param == "expressions":
        monkeypatch.setattr(kernels, "_kernels", lambda cupy, device: None)


@pytest.mark.parametrize("shape_yx", [(7, 11), (1, 5), (301, 517)])
def test_the_kernels_compile_and_give_the_numbers_of_the_expressions(cupy, monkeypatch, shape_yx):
    """Else a warning would send all the work to the expressions."""
    monkeypatch.setattr(kernels, "CHECKED_YX", shape_yx)
    assert kernels.disagreements(cupy, kernels.Kernels(cupy)) == []
    assert type(kernels.passes(cupy.ones(3, cupy.float32))) is kernels.Kernels


def lifted(opd_nm, absorption):
    """A refinement that either library can do."""
    return opd_nm * 1.1, absorption


@pytest.mark.parametrize("refine", [None, lifted], ids=["alone", "refined"])
def test_the_accelerated_retrieval(cupy, intensity, passes, refine):
    on_cpu = retrieve(intensity, RGB, config=CONFIG, refine=refine, **INSTRUMENT)
    on_gpu = retrieve(cupy.asarray(intensity), RGB, config=CONFIG, refine=refine, **INSTRUMENT)
    assert type(on_gpu.opd_nm) is type(on_gpu.absorption) is cupy.ndarray
    np.testing.assert_allclose(on_gpu.opd_nm.get(), on_cpu.opd_nm, atol=NEAR_NM)
    np.testing.assert_allclose(on_gpu.absorption.get(), on_cpu.absorption, atol=1e-3)
    assert on_gpu.misfit == pytest.approx(on_cpu.misfit, rel=1e-3)
    assert on_gpu.n_evaluations == on_cpu.n_evaluations


def test_the_reference_retrieval(cupy, intensity, passes):
    """Its descent ends where rounding hides what a step gains, which is a few steps sooner or later.

    Two orders of the same float32 arithmetic on a CPU were measured 0.04 nm rms and 0.8 nm at most apart.
    """
    on_cpu = retrieve(intensity, RGB, config=REFERENCE, **INSTRUMENT)
    on_gpu = retrieve(cupy.asarray(intensity), RGB, config=REFERENCE, **INSTRUMENT)
    difference_nm = on_gpu.opd_nm.get() - on_cpu.opd_nm
    assert np.sqrt(np.mean(difference_nm**2)) < NEAR_NM
    assert abs(difference_nm).max() < 2.0
    assert on_gpu.misfit == pytest.approx(on_cpu.misfit, rel=1e-3)


def test_gaps_and_saturated_pixels(cupy, intensity, passes):
    holed = intensity.copy()
    holed[1, 20:40, 30:70] = np.nan
    holed[0, 5, 5] = np.inf
    saturated = holed > 1.25
    assert saturated.any()
    arguments = {"config": CONFIG, **INSTRUMENT}
    on_cpu = retrieve(holed, RGB, saturated=saturated, **arguments)
    on_gpu = retrieve(cupy.asarray(holed), RGB, saturated=cupy.asarray(saturated), **arguments)
    np.testing.assert_allclose(on_gpu.opd_nm.get(), on_cpu.opd_nm, atol=NEAR_NM)


@pytest.mark.parametrize("channels", [RGB[:1], RGB[:2], (*RGB, *RGB)], ids=["1", "2", "6"])
def test_any_number_of_channels(cupy, intensity, channels):
    images = np.concatenate([intensity, intensity])[: len(channels)]
    on_cpu = retrieve(images, channels, config=CONFIG, **INSTRUMENT)
    on_gpu = retrieve(cupy.asarray(images), channels, config=CONFIG, **INSTRUMENT)
    np.testing.assert_allclose(on_gpu.opd_nm.get(), on_cpu.opd_nm, atol=NEAR_NM)


@pytest.mark.parametrize("rows", [SHAPE_YX[0], SHAPE_YX[0] - 5])
def test_tiles(cupy, rows):
    """Cut across in two, as a tilted plate or a small memory asks for; so narrow, they carry 600 um."""
    near = [replace(channel, z_um=600.0) for channel in RGB]
    opd_nm = cells_opd_nm()
    intensity = holograms(opd_nm, 3e-4 * opd_nm, near)[:, :rows]
    found = []
    for image in (intensity, cupy.asarray(intensity)):
        retriever = Retriever(PITCH_UM, OPTICS, CONFIG.model_copy(update={"padding_um": 10.0}))
        retriever._least_yx = (1, 2)
        found.append(retriever(image, near))
    on_cpu, on_gpu = found
    np.testing.assert_allclose(on_gpu.opd_nm.get(), on_cpu.opd_nm, atol=NEAR_NM)
    assert on_gpu.misfit == pytest.approx(on_cpu.misfit, rel=1e-3)


@pytest.mark.parametrize("refine", [None, lifted], ids=["alone", "refined"])
def test_the_focus_misfit(cupy, intensity, refine):
    arguments = {"config": CONFIG, "iterations": 8, "refine": refine, **INSTRUMENT}
    on_cpu, on_gpu = (misfit_by_distance(i, RGB, **arguments) for i in (intensity, cupy.asarray(intensity)))
    for z_um in (980.0, 1000.0, 1030.0):
        assert on_gpu(z_um) == pytest.approx(on_cpu(z_um), rel=1e-3)
