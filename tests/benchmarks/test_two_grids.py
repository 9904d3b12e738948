"""The half-resolution problem and the way between the grids; grids are never square."""

import numpy as np
import pytest
from two_grids import halved_problem, to_coarse, to_fine

from lensfree.config import OpticsConfig, ReconstructConfig
from lensfree.optics.hologram import Channel, PaddedGrid
from lensfree.phase.problem import Problem

FINE = PaddedGrid((40, 64), (81, 108))
COARSE = PaddedGrid((20, 32), (45, 48))  # its margins are not half of the fine ones
PITCH_UM = 1.67
CHANNELS = [Channel(540.0, 400.0), Channel(640.0, 400.0, 2.0, -1.0)]
CONFIG = ReconstructConfig(padding_um=40.0)


def bump(grid, pitch):
    """A smooth map on the recorded field's own coordinates, 1 pixel of the fine grid being the unit."""
    _, rows, columns = grid.window
    y, x = (np.arange(n) for n in grid.padded_yx)
    y = pitch * (y - rows.start + 0.5)
    x = pitch * (x - columns.start + 0.5)
    map_ = np.exp(-(((y[:, None] - 18) / 9) ** 2) - ((x[None, :] - 37) / 11) ** 2)
    return np.stack([map_, 0.1 * map_]).astype(np.float32)


def test_a_smooth_map_arrives_at_the_same_place_on_either_grid():
    np.testing.assert_allclose(to_coarse(bump(FINE, 1), FINE, COARSE), bump(COARSE, 2), atol=0.01)
    np.testing.assert_allclose(to_fine(bump(COARSE, 2), COARSE, FINE), bump(FINE, 1), atol=0.01)


def test_the_mean_over_the_field_is_conserved_both_ways():
    fine = bump(FINE, 1) + np.random.default_rng(0).standard_normal((2, 1, 1)).astype(np.float32)
    coarse = to_coarse(fine, FINE, COARSE)
    np.testing.assert_allclose(
        coarse[COARSE.window].mean(axis=(1, 2)), fine[FINE.window].mean(axis=(1, 2)), rtol=1e-5
    )
    back = to_fine(coarse, COARSE, FINE)
    np.testing.assert_allclose(
        back[FINE.window].mean(axis=(1, 2)), coarse[COARSE.window].mean(axis=(1, 2)), rtol=1e-3
    )


def test_uniform_maps_stay_uniform_beyond_the_smaller_margin():
    even = np.full((2, *COARSE.padded_yx), 0.7, np.float32)
    np.testing.assert_allclose(to_fine(even, COARSE, FINE), 0.7, atol=1e-6)


def intensity_of(shape_yx):
    return np.random.default_rng(1).normal(1, 0.05, (2, *shape_yx)).astype(np.float32)


def halved(shape_yx):
    return halved_problem(
        intensity_of(shape_yx), CHANNELS, pixel_pitch_um=PITCH_UM, optics=OpticsConfig(), config=CONFIG
    )


def test_the_halved_problem_has_half_the_pixels_per_side():
    assert halved((48, 80)).grid.shape_yx == (24, 40)


def test_the_objective_of_a_smooth_map_is_a_quarter_on_the_halved_grid():
    """Misfit and total variation are the same per pixel, so no weight is traded for another."""
    shape_yx = (96, 144)
    one = np.ones((2, *shape_yx), np.float32)
    where = {"pixel_pitch_um": PITCH_UM, "optics": OpticsConfig(), "config": CONFIG}
    fine = Problem.build(one, CHANNELS, PITCH_UM, OpticsConfig(), CONFIG)
    coarse = halved_problem(one, CHANNELS, **where)
    wide = 3 * bump(PaddedGrid(shape_yx, fine.grid.padded_yx), 0.3)
    wide_coarse = to_coarse(wide, fine.grid, coarse.grid)
    value = fine.objective.value_and_gradient(wide)[0]
    assert coarse.objective.value_and_gradient(wide_coarse)[0] == pytest.approx(value / 4, rel=0.1)


def test_an_odd_side_is_refused():
    with pytest.raises(ValueError, match="expected even sides"):
        halved((48, 81))
