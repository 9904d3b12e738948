"""Local maxima to lists on the GPU: every test of `tests/cells/test_peaks.py` once more, and equal lists."""

import numpy as np
import pandas as pd
import pytest
import test_peaks
from skimage.morphology import local_maxima as scikit_maxima
from skimage.transform import resize
from test_peaks import CONFIG, crowded_maps

from lensfree.cells.peaks import find_peaks
from lensfree.cells.plateaus import local_maxima
from lensfree.filters import resample

pytestmark = pytest.mark.gpu
globals().update((name, value) for name, value in vars(test_peaks).items() if name.startswith("test_"))


@pytest.fixture(autouse=True)
def on_the_gpu(monkeypatch, cupy):
    """Send maps to the GPU; the table comes back."""
    monkeypatch.setattr(test_peaks, "find_peaks", lambda maps, *args: find_peaks(cupy.asarray(maps), *args))


@pytest.mark.parametrize("pitch_um", [0.8, 1.67])
@pytest.mark.parametrize("apart_um", [8.5, 7.5])
@pytest.mark.parametrize("is_noisy", [False, True])
def test_cpu_and_gpu_list_the_same_cells(cupy, pitch_um, apart_um, is_noisy):
    maps = crowded_maps(600, apart_um, (360, 580), pitch_um, is_noisy)
    on_cpu = find_peaks(maps, pitch_um, CONFIG)
    on_gpu = find_peaks(cupy.asarray(maps), pitch_um, CONFIG)
    assert len(on_cpu) > 500 and on_cpu["touches_border"].any()
    pd.testing.assert_frame_equal(on_gpu, on_cpu, rtol=0, atol=1e-6)


@pytest.mark.parametrize("n_levels", [1, 2, 3, 5, 40])
@pytest.mark.parametrize("seed", range(5))
def test_plateaus_are_those_of_scikit_image(cupy, seed, n_levels):
    values = np.random.default_rng(seed).integers(0, n_levels, (71, 113)).astype(float)
    found = local_maxima(cupy.asarray(values)).get()
    np.testing.assert_array_equal(found, scikit_maxima(values, connectivity=2))


@pytest.mark.parametrize("shape_yx", [(31, 57), (120, 77), (90, 40)])
def test_resampling_is_that_of_scikit_image(cupy, shape_yx):
    maps = np.random.default_rng(0).normal(size=(4, 45, 63)).astype(np.float32)
    got = resample(cupy.asarray(maps), shape_yx).get()
    np.testing.assert_allclose(got, resize(maps, (4, *shape_yx), order=1), atol=1e-5)
