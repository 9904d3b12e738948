"""OPD is exported frame by frame: how long an acquisition is does not count in memory."""

import tracemalloc

import numpy as np
import pytest

from lensfree.io.exports.ome_tiff import write_ome_tiff
from lensfree.io.exports.ome_zarr import write_ome_zarr
from lensfree.io.exports.opd_frames import opd_stack
from lensfree.io.stacks import create_opd

SHAPE_YX = (300, 420)


def stack_of(folder, n_frames):
    path = folder / f"{n_frames}.h5"
    with create_opd(path, n_frames=n_frames, first_frame=0, shape_yx=SHAPE_YX, pixel_pitch_um=1.0) as writer:
        for frame in range(n_frames):
            opd_nm = np.random.default_rng(frame).normal(0, 20, SHAPE_YX)
            writer.write(frame, time_h=frame / 6, opd_nm=opd_nm)
    return opd_stack([path], frame_interval_h=1 / 6, dtype="int16", about={})


@pytest.mark.parametrize("write", [write_ome_tiff, write_ome_zarr])
def test_five_times_the_frames_take_no_more_memory(tmp_path, write):
    if write is write_ome_zarr:
        pytest.importorskip("zarr", minversion="3", reason="needs zarr, extra ome, part of the extra dev")
    peak_frames = {}
    write(tmp_path / "warm", stack_of(tmp_path, 2), "what is imported and kept comes first")
    for n_frames in (4, 20):
        stack = stack_of(tmp_path, n_frames)
        tracemalloc.start()
        write(tmp_path / f"out{n_frames}", stack, "dish")
        peak_frames[n_frames] = tracemalloc.get_traced_memory()[1] / np.prod(SHAPE_YX) / 4
        tracemalloc.stop()
    # A frame more that is kept would add half a float32 frame, sixteen of them eight.
    assert peak_frames[20] < peak_frames[4] + 2
