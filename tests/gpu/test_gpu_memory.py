"""Device memory: a full sensor frame in less than 8 GB, and tiles where that is not there."""

import gc
import logging

import gpu
import numpy as np
import pytest
from frame import CHANNELS, TILE_YX, frame
from scenes import OPTICS, PITCH_UM

from lensfree.arrays import to_device
from lensfree.config import ReconstructConfig, StorageConfig
from lensfree.io.stacks import open_opd
from lensfree.model_files import weights_file
from lensfree.phase.problem import forget_transfers
from lensfree.phase.retriever import Retriever
from lensfree.stages.refine import load_refine

pytestmark = pytest.mark.gpu

CONTEXTS_GB = 1.0
"""What CUDA, cuFFT and cuDNN take for themselves, with room to spare."""

SMALL = ReconstructConfig(padding_um=20.0, iterations_first=3, iterations_last=3)


@pytest.fixture(scope="module")
def intensity():
    return frame(OPTICS)


@pytest.fixture
def memory(cupy):
    """Empty pools before, no limit after."""
    forget_transfers()
    gc.collect()
    gpu.forget_memory(cupy)
    pool = cupy.get_default_memory_pool()
    yield pool
    pool.set_limit(size=0)


@pytest.mark.usefixtures("torch_sees_it")
@pytest.mark.parametrize("method", ["accelerated", "reference"])
def test_a_full_sensor_frame_needs_less_than_8_gb(cupy, memory, intensity, method):
    config = ReconstructConfig(method=method, iterations_reference=12)  # as much memory as all 153
    refine = load_refine(weights_file(config.refine, gpu.MODELS))
    gpu.retrieving(to_device(intensity, "cuda"), config, refine)()
    assert gpu.held_gb(cupy) + CONTEXTS_GB < 8


def test_where_memory_is_short_tiles_give_the_cpus_tiles(cupy, memory, intensity, caplog):
    wide = np.ascontiguousarray(intensity[:, : TILE_YX[0] // 2, : TILE_YX[1]])

    def forget():
        gpu.forget_memory(cupy)

    retriever = Retriever(PITCH_UM, OPTICS, SMALL, free_memory=forget)
    retriever(cupy.asarray(wide), CHANNELS)
    held = memory.total_bytes()
    forget_transfers()
    gc.collect()
    forget()
    memory.set_limit(size=int(0.8 * held))
    with caplog.at_level(logging.WARNING):
        tiled = retriever(cupy.asarray(wide), CHANNELS)
    assert "memory was exhausted by a field of" in caplog.text
    on_cpu = Retriever(PITCH_UM, OPTICS, SMALL)
    on_cpu._least_yx = retriever._least_yx
    np.testing.assert_allclose(tiled.opd_nm.get(), on_cpu(wide, CHANNELS).opd_nm, atol=0.1)


@pytest.mark.usefixtures("torch_sees_it")
def test_the_stage_writes_what_it_writes_on_a_cpu(memory, intensity, tmp_path):
    small = np.ascontiguousarray(intensity[:, :300, :360])
    files = gpu.Files.made(tmp_path, small, n_fields=2)
    weights = weights_file(ReconstructConfig().refine, gpu.MODELS)
    for device in ("cpu", "cuda"):
        files.reconstruct(
            tmp_path / f"{device}.h5", ReconstructConfig(device=device), StorageConfig(), weights
        )
    with open_opd(tmp_path / "cpu.h5") as on_cpu, open_opd(tmp_path / "cuda.h5") as on_gpu:
        np.testing.assert_allclose(on_gpu.misfit, on_cpu.misfit, rtol=1e-2)
        for index in range(2):
            difference_nm = on_gpu.read(index) - on_cpu.read(index)
            assert np.median(abs(difference_nm)) < 0.11  # the files round to 0.1 nm, the CNN to bfloat16
            assert np.percentile(abs(difference_nm), 99) < 0.6
