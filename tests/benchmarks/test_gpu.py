"""The benchmark of the GPU on a machine without one: it says so, and what needs none of it works."""

import gpu
import numpy as np
import pytest
from frame import CHANNELS, PITCH_UM

from lensfree.config import ReconstructConfig
from lensfree.io.stacks import open_holograms, open_opd
from lensfree.simulate.holograms import simulate_intensity

TINY_YX = (96, 120)
QUICK = ReconstructConfig(device="cpu", iterations_first=1, iterations_last=1, iterations_reference=2)


@pytest.fixture
def intensity():
    opd_nm = np.zeros(TINY_YX)
    opd_nm[40:52, 60:75] = 120.0
    return simulate_intensity(
        opd_nm, 0 * opd_nm, CHANNELS, pixel_pitch_um=PITCH_UM, optics=gpu.OPTICS, spectral_lines=1
    ).astype(np.float32)


def test_without_a_gpu_it_says_so_in_one_line_and_writes_nothing(monkeypatch, capsys):
    monkeypatch.setattr(gpu, "resolve_device", lambda wanted: "cpu")
    monkeypatch.setattr(gpu, "write", lambda entries: pytest.fail("something was written"))
    gpu.main()
    assert capsys.readouterr().out == gpu.NO_GPU + "\n"


def test_a_field_goes_from_file_to_file(intensity, tmp_path, monkeypatch, capsys):
    """The stage that is timed on a GPU, here on the CPU."""
    monkeypatch.setattr(gpu, "FIELDS", 3)
    weights = gpu.weights_file(gpu.PUBLISHED.refine, gpu.MODELS)
    found = gpu.field_s(tmp_path, intensity, QUICK, weights)
    assert set(found) == {"gzip", "blosc2"} and min(found.values()) > 0
    with open_holograms(tmp_path / "holograms_3.h5") as stack:
        np.testing.assert_allclose(stack.read(2).mean(), 1, atol=0.01)
        assert abs(stack.read(2) - stack.read(1)).max() > 0  # frames differ by their noise
        assert not stack.read_saturated(0).any()
    with open_opd(tmp_path / "many.h5") as stack:
        assert len(stack) == 3 and not stack.is_missing.any()


def test_retrieval_is_timed_as_configured(intensity):
    calls = []
    seconds = gpu.seconds_of(lambda: calls.append("call"), lambda: calls.append("wait"), turns=2)
    assert calls == ["wait", "call", "wait"] * 3 and seconds >= 0
    assert gpu.retrieving(intensity, QUICK, None)().opd_nm.shape == TINY_YX
    assert gpu.REFERENCE.iterations_reference == 153 and gpu.PUBLISHED.iterations_last == 10


def test_the_floor_counts_the_sweeps_of_the_transforms():
    """Three channels: 12 transforms of two sweeps, 16 bytes each, and 84 bytes of everything else."""
    assert gpu.floor_bytes((2, 5), 3) == 10 * (12 * 2 * 16 + 84)


def test_the_ratio_to_the_floor_and_the_copy_run(intensity):
    bytes_per_s = gpu.copy_bytes_per_s(np, lambda: None, size=1000)
    assert bytes_per_s > 0
    assert gpu.times_floor(intensity, bytes_per_s, lambda: None) > 0


def test_differences_between_two_ways_are_per_pixel(intensity, monkeypatch, capsys):
    monkeypatch.setattr(gpu, "to_device", lambda image, device: image)
    monkeypatch.setattr(gpu, "PUBLISHED", QUICK)
    monkeypatch.setattr(gpu, "REFERENCE", QUICK.model_copy(update={"method": "reference"}))
    found = gpu.differences_nm(intensity, lambda opd_nm, absorption: (opd_nm, absorption))
    assert set(found) == {"descents", "CNN", "reference"}
    assert all(apart.shape == TINY_YX and not apart.any() for apart in found.values())
    assert "GPU against CPU, CNN: median 0.0000" in capsys.readouterr().out
