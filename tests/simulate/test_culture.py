"""Moments of a grown culture, as fields to learn and to measure on."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from lensfree.simulate.culture import culture_fields
from lensfree.simulate.population import random_field
from lensfree.simulate.render import SHAPE_COLUMNS, render_opd

SHAPE_YX, PITCH_UM = (300, 360), 1.67
MM2 = SHAPE_YX[0] * SHAPE_YX[1] * PITCH_UM**2 / 1e6


@pytest.fixture(scope="module")
def moments():
    return culture_fields(np.random.default_rng(3), SHAPE_YX, PITCH_UM, 300.0, 3)


def inside(cells):
    return cells[
        cells["y_um"].between(0, SHAPE_YX[0] * PITCH_UM) & cells["x_um"].between(0, SHAPE_YX[1] * PITCH_UM)
    ]


def test_the_culture_grows_to_the_density_asked_for(moments):
    density = [len(inside(cells)) / MM2 for cells in moments]
    assert density[0] < density[1] < density[2]
    assert density[2] == pytest.approx(300, rel=0.25)


def test_moments_can_be_rendered_with_the_dry_mass_that_they_state(moments):
    cells = moments[-1]
    assert set(SHAPE_COLUMNS) <= set(cells.columns)
    opd_nm = render_opd(cells, SHAPE_YX, PITCH_UM)
    total_pg = opd_nm.sum() * 1e-3 * PITCH_UM**2 / 0.18
    assert total_pg == pytest.approx(inside(cells)["dry_mass_pg"].sum(), rel=0.1)


def test_daughters_are_nearer_than_cells_placed_at_random(moments):
    cells = inside(moments[-1])
    scattered = inside(random_field(np.random.default_rng(3), SHAPE_YX, PITCH_UM, len(cells) / MM2))

    def nearest_um(table):
        points = table[["y_um", "x_um"]].to_numpy()
        return np.quantile(cKDTree(points).query(points, 2)[0][:, 1], 0.1)

    assert nearest_um(cells) < 0.9 * nearest_um(scattered)


def test_a_culture_follows_its_generator(moments):
    again = culture_fields(np.random.default_rng(3), SHAPE_YX, PITCH_UM, 300.0, 3)
    for first, second in zip(moments, again, strict=True):
        np.testing.assert_array_equal(first["y_um"], second["y_um"])
