"""How much memory the arrays of a retrieval take on a device, traced on the stand-in for CuPy."""

import tracemalloc

import cuda_on_host
import numpy as np
import pytest
import strict_cupy
from scenes import CONFIG, OPTICS, PITCH_UM, RGB

from lensfree.optics.hologram import PaddedGrid, padding_px
from lensfree.phase import kernels, problem
from lensfree.phase.retrieve import retrieve

SHAPE_YX = (150, 210)
BYTES_PER_PIXEL = 220
"""2.7 GB for 3000 x 4096 pixels; `wholefield` lists what they are."""


@pytest.mark.skipif(cuda_on_host.COMPILER is None, reason="no C++ compiler")
def test_a_retrieval_holds_no_more_than_is_said(monkeypatch):
    """Six iterations fill the history; three channels, saturated pixels, a refinement, the metric."""
    monkeypatch.setattr(kernels, "MOST_BLOCKS", 8)
    cupy = strict_cupy.install(monkeypatch, cuda_on_host.HostModule)
    kernels.passes(cupy.asarray(np.ones(3, np.float32)))
    rng = np.random.default_rng(0)
    intensity = 1 + 0.05 * rng.standard_normal((len(RGB), *SHAPE_YX), np.float32)
    config = CONFIG.model_copy(update={"iterations_first": 6, "iterations_last": 6})
    grid = PaddedGrid.around(SHAPE_YX, padding_px(config.padding_um, PITCH_UM))
    how = {"pixel_pitch_um": PITCH_UM, "optics": OPTICS, "config": config}
    problem.forget_transfers()
    tracemalloc.start()
    try:
        on_device, saturated = cupy.asarray(intensity), cupy.asarray(intensity > 1.2)
        peaks = []

        def refine(opd_nm, absorption):
            peaks.append(tracemalloc.get_traced_memory()[1])
            return opd_nm * 1.0, absorption * 1.0

        found = retrieve(on_device, RGB, refine=refine, saturated=saturated, **how)
        peaks.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()
        problem.forget_transfers()
    assert found.n_evaluations >= 12
    pixels = grid.padded_yx[0] * grid.padded_yx[1]
    assert max(peaks) / pixels < BYTES_PER_PIXEL
