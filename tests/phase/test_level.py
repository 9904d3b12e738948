"""The level of the background is found under cells, noise and coarse grey levels."""

import math

import numpy as np
import pytest

from lensfree.phase.level import background_level_nm, background_sd_nm, nm_per_unit


def field(cover: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    opd_nm = rng.normal(7.3, 2.0, (240, 400))
    cells = rng.random(opd_nm.shape) < cover
    opd_nm[cells] += rng.uniform(10, 200, int(cells.sum()))
    return opd_nm


@pytest.mark.parametrize("cover", [0.0, 0.1, 0.3, 0.45])
def test_cells_do_not_pull_the_level(cover):
    assert background_level_nm(field(cover)) == pytest.approx(7.3, abs=0.6)
    if cover >= 0.3:
        assert abs(np.median(field(cover)) - 7.3) > 1.0  # what the median would have said


def test_the_level_of_counts_is_found_between_their_steps():
    counts = np.rint(field(0.2) / 3.0)
    assert background_level_nm(counts * 3.0) == pytest.approx(7.3, abs=1.0)


def test_a_flat_map_has_its_own_level():
    assert background_level_nm(np.full((20, 30), 4.5)) == 4.5


def test_the_sd_comes_from_below():
    opd_nm = field(0.3) - 7.3
    assert background_sd_nm(opd_nm) == pytest.approx(2.0, abs=0.1)
    assert background_sd_nm(np.ones((3, 4))) == 0.0


def test_units():
    assert nm_per_unit("nm", ()) == 1.0
    assert nm_per_unit("rad", (532.0,)) == pytest.approx(532.0 / (2 * math.pi))
    assert nm_per_unit(2.5, ()) == 2.5
