"""The CNN on the GPU: answers in bfloat16 beside those of the CPU in float32, and no copies on the way."""

import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from scenes import CONFIG, OPTICS, PITCH_UM, RGB, cells_opd_nm, holograms

from lensfree.cells.peaks import find_peaks
from lensfree.config import QuantifyConfig
from lensfree.model_files import weights_file
from lensfree.nets.plain_cnn import apply_cnn, has_bfloat16
from lensfree.nets.weights import load_cnn
from lensfree.phase.retrieve import first_descent, retrieve
from lensfree.stages.refine import OPD_SCALE_NM, load_refine, to_maps
from lensfree.stages.represent import load_represent

pytestmark = [pytest.mark.gpu, pytest.mark.usefixtures("torch_sees_it")]

MODELS = Path(__file__).parents[2] / "models"
INSTRUMENT = {"pixel_pitch_um": PITCH_UM, "optics": OPTICS}
UNWRAP = weights_file(CONFIG.refine, MODELS)


@pytest.fixture(scope="module")
def intensity():
    opd_nm = cells_opd_nm(is_with_wrapped=True)
    return holograms(opd_nm, 1e-4 * opd_nm)


@pytest.fixture(scope="module")
def maps(intensity):
    return to_maps(*first_descent(intensity, RGB, config=CONFIG, **INSTRUMENT))


def rms(values):
    return float(np.sqrt(np.mean(np.square(values))))


def opd_error_nm(cupy, maps, **how):
    """Return how far OPD behind the CNN on the GPU is from the CPU's."""
    on_cpu = apply_cnn(load_cnn(UNWRAP), maps)
    on_gpu = apply_cnn(load_cnn(UNWRAP), cupy.asarray(maps), **how)
    assert type(on_gpu) is cupy.ndarray and on_gpu.dtype == np.float32
    return OPD_SCALE_NM * (on_gpu.get() - on_cpu)[0]


def test_in_float32_it_answers_as_the_cpu_but_for_tensor_cores(cupy, maps):
    """Torch lets cuDNN round to TF32 (10 bits); emulated on the CPU that was 0.01 nm rms."""
    error_nm = opd_error_nm(cupy, maps)
    assert rms(error_nm) < 0.1 and abs(error_nm).max() < 2


def test_in_bfloat16_it_is_half_a_nanometre_off_at_most(cupy, maps):
    """Emulated on the CPU: 0.2 nm rms, up to 4 nm where a wrap begins."""
    if not has_bfloat16(torch.device("cuda")):
        pytest.skip("this GPU has no bfloat16")
    error_nm = opd_error_nm(cupy, maps, in_bfloat16=True)
    assert rms(error_nm) < 0.5 and abs(error_nm).max() < 10
    assert rms(error_nm) > rms(opd_error_nm(cupy, maps))  # it was used


def test_a_retrieval_with_it_agrees_but_for_the_borders_of_wraps(cupy, intensity):
    """Emulated on the CPU, in bfloat16: median 0.03 nm, 99 % within 0.11 nm, 10 of 13824 pixels beyond 1 nm.

    Those lie where a wrap begins and fall to one side or the other; their OPD changed the sum by 0.07 %.
    """
    on_cpu, on_gpu = (
        retrieve(image, RGB, config=CONFIG, refine=load_refine(UNWRAP), **INSTRUMENT)
        for image in (intensity, cupy.asarray(intensity))
    )
    difference_nm = abs(on_gpu.opd_nm.get() - on_cpu.opd_nm)
    assert np.median(difference_nm) < 0.1
    assert np.percentile(difference_nm, 99) < 0.5
    assert on_gpu.opd_nm.get().sum() == pytest.approx(on_cpu.opd_nm.sum(), rel=3e-3)
    assert on_gpu.refine_rejected == on_cpu.refine_rejected


def test_neither_way_copies(cupy, maps):
    one = cupy.asarray(maps[:1])  # one channel: both memory layouts are the same
    assert torch.from_dlpack(one).data_ptr() == one.data.ptr
    assert apply_cnn(torch.nn.Identity(), one).data.ptr == one.data.ptr


def test_quantification_reads_the_same_cells(cupy, maps):
    opd_nm = OPD_SCALE_NM * maps[0]
    on_cpu, on_gpu = (
        load_represent(MODELS / "quantify.safetensors", device)(opd_nm, PITCH_UM)
        for device in ("cpu", "cuda")
    )
    assert type(on_gpu) is cupy.ndarray
    np.testing.assert_allclose(on_gpu.get(), on_cpu, atol=2e-3 * abs(on_cpu).max())
    cells, same = (find_peaks(found, PITCH_UM, QuantifyConfig()) for found in (on_cpu, on_gpu))
    assert len(same) == len(cells) > 0
    np.testing.assert_allclose(same["dry_mass_pg"], cells["dry_mass_pg"], rtol=1e-2)


@pytest.mark.parametrize("most_px", [2**13, 2**14])
def test_tiles_of_a_field_are_the_whole_field_but_for_tensor_cores(maps, most_px):
    represent = load_represent(MODELS / "quantify.safetensors", "cuda")
    opd_nm = np.tile(OPD_SCALE_NM * maps[0], (2, 3))
    whole = represent(opd_nm, PITCH_UM).get()
    represent.network.most_px = most_px
    np.testing.assert_allclose(represent(opd_nm, PITCH_UM).get(), whole, atol=2e-3 * abs(whole).max())


def test_where_memory_is_short_the_network_sees_the_field_in_tiles(maps, caplog):
    represent = load_represent(MODELS / "quantify.safetensors", "cuda")
    opd_nm = np.tile(OPD_SCALE_NM * maps[0], (12, 12))
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    whole = represent(opd_nm, PITCH_UM).get()
    peak = torch.cuda.max_memory_reserved()
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(0.6 * peak / total)
    try:
        with caplog.at_level(logging.WARNING):
            tiled = represent(opd_nm, PITCH_UM).get()
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert "memory was exhausted by a network that sees" in caplog.text
    np.testing.assert_allclose(tiled, whole, atol=2e-3 * abs(whole).max())
