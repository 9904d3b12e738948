"""A GPU that fails half-way: the message names the file, nothing half is left, and the CPU finishes the job.

The GPU is a stand-in that computes with NumPy; that it fails as CuPy does is read off CuPy, not seen.
"""

import numpy as np
import pandas as pd
import pytest
import stand_in

from lensfree import arrays
from lensfree.config import FocusConfig, OpticsConfig, ReconstructConfig, StorageConfig
from lensfree.contracts import FOCUS
from lensfree.io.stacks import create_holograms, open_opd
from lensfree.io.tables import write_table
from lensfree.stages import reconstruct

SHAPE_YX = (40, 56)
N_FRAMES = 3
FOUND = {
    "channel": ["R", "G"],
    "wavelength_nm": [640.0, 540.0],
    "z_um": 900.0,
    "shift_y_um": 0.0,
    "shift_x_um": 0.0,
    "tilt_y_um_per_mm": 0.0,
    "tilt_x_um_per_mm": 0.0,
    "is_estimated": False,
}


class CUDARuntimeError(RuntimeError):
    """What CuPy raises, by name and text."""


@pytest.fixture
def inputs(tmp_path):
    counts = np.random.default_rng(0).integers(120, 160, (N_FRAMES, 2, *SHAPE_YX)).astype(np.uint8)
    with create_holograms(
        tmp_path / "0000.h5",
        n_frames=N_FRAMES,
        first_frame=0,
        dtype=np.uint8,
        background=np.full((2, *SHAPE_YX), 140, np.float32),
        channels=FOUND["channel"],
        wavelength_nm=FOUND["wavelength_nm"],
        pixel_pitch_um=1.67,
        sources=[["a"]] * N_FRAMES,
    ) as sink:
        for index in range(N_FRAMES):
            sink.write(index, time_h=index / 6, counts=counts[index])
    write_table(tmp_path / "focus.parquet", pd.DataFrame(FOUND), FOCUS)
    return tmp_path


def run(folder, device):
    reconstruct.run(
        holograms=folder / "0000.h5",
        focus=folder / "focus.parquet",
        out=folder / "opd.h5",
        optics=OpticsConfig(),
        focus_config=FocusConfig(),
        config=ReconstructConfig(method="reference", iterations_reference=2, device=device, padding_um=60),
        storage=StorageConfig(),
        weights=None,
        provenance={},
    )


def break_after(monkeypatch, n_arrays, error):
    given = []
    move = arrays.to_device

    def to_device(array, device):
        given.append(device)
        if device == "cuda" and len(given) > n_arrays:
            raise error
        return move(array, device)

    monkeypatch.setattr(arrays, "to_device", to_device)
    return given


def test_a_gpu_lost_half_way_is_named_and_the_cpu_goes_on(inputs, monkeypatch):
    before = sorted(path.name for path in inputs.iterdir())
    with monkeypatch.context() as lost:
        stand_in.install(lost)
        given = break_after(lost, 3, CUDARuntimeError("cudaErrorDeviceUnavailable: device is unavailable"))
        with pytest.raises(
            RuntimeError, match=r"0000\.h5: the GPU failed while its frames were .*DeviceUnav"
        ):
            run(inputs, "cuda")
    assert given[:4] == ["cuda"] * 4, "one frame went through before"
    assert sorted(path.name for path in inputs.iterdir()) == before
    run(inputs, "cpu")
    with open_opd(inputs / "opd.h5") as source:
        assert all(np.isfinite(source.read(frame)).all() for frame in range(N_FRAMES))


def test_other_errors_of_a_frame_are_not_called_the_gpu(inputs, monkeypatch):
    stand_in.install(monkeypatch)
    break_after(monkeypatch, 1, ValueError("wrong shape"))
    with pytest.raises(ValueError, match="^wrong shape$"):
        run(inputs, "cuda")
    assert not (inputs / "opd.h5").exists()
