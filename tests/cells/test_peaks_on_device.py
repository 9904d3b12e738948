"""Every test of `test_peaks` once more on a strict stand-in for CuPy, where the maps stay on the device."""

import numpy as np
import pandas as pd
import pytest
import strict_cupy
import test_peaks
from test_peaks import CONFIG, cells_at, crowded_maps

from lensfree.cells.peaks import find_peaks
from lensfree.cells.representation import draw_representation

globals().update((name, value) for name, value in vars(test_peaks).items() if name.startswith("test_"))


@pytest.fixture(autouse=True)
def on_the_device(monkeypatch, cupy):
    """Send maps to the device; only the table comes back."""
    monkeypatch.setattr(test_peaks, "find_peaks", lambda maps, *args: find_peaks(cupy.asarray(maps), *args))


@pytest.mark.parametrize("pitch_um", [0.8, 1.67])
@pytest.mark.parametrize("is_noisy", [False, True])
def test_host_and_device_list_the_same_cells(cupy, pitch_um, is_noisy):
    maps = crowded_maps(150, 8.5, (180, 290), pitch_um, is_noisy)
    on_host = find_peaks(maps, pitch_um, CONFIG)
    on_device = find_peaks(cupy.asarray(maps), pitch_um, CONFIG)
    assert len(on_host) > 130 and on_host["touches_border"].any()
    pd.testing.assert_frame_equal(on_device, on_host, rtol=0, atol=1e-6)


def test_only_candidates_travel_to_the_host(cupy, monkeypatch):
    sizes = []
    real = strict_cupy.Array.get

    def get(array):
        sizes.append(array.size)
        return real(array)

    monkeypatch.setattr(strict_cupy.Array, "get", get)
    maps = draw_representation(cells_at([(60.0, 100.0), (60.0, 111.0), (90.0, 60.0)]), (130, 190), 1.67)
    found = find_peaks(cupy.asarray(maps), 1.67, CONFIG)
    assert len(found) == 3
    assert sizes and sum(sizes) < 0.05 * maps[0].size


def test_nothing_is_found_on_the_device_either(cupy):
    found = find_peaks(cupy.asarray(np.zeros((4, 60, 90), np.float32)), 1.67, CONFIG)
    assert len(found) == 0
