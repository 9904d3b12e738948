"""Populations are the published ones, fields are as dense as asked and cells keep off each other."""

import numpy as np
import pytest

from lensfree.simulate.placement import BORDER_UM, place_cells
from lensfree.simulate.population import (
    TABLE,
    TABLE_DENSITIES_PER_MM2,
    draw_flat,
    draw_round,
    population_at,
    random_field,
)
from lensfree.simulate.render import render_labels, render_opd
from lensfree.units import NM_PER_UM, SPECIFIC_REFRACTION_INCREMENT_UM3_PER_PG

PITCH_UM = 1.67


@pytest.mark.parametrize("which", range(4))
def test_adherent_cells_have_the_published_means_and_spreads(which):
    cells = draw_flat(np.random.default_rng(5), 3000, population_at(TABLE_DENSITIES_PER_MM2[which]))
    for name, rows in TABLE.items():
        mean, sd = rows[which]
        assert cells[name].mean() == pytest.approx(mean, rel=0.05), name
        assert cells[name].std() == pytest.approx(sd, rel=0.20), name


def test_densities_between_the_tables_are_interpolated_and_beyond_are_constant():
    assert population_at(219.0).area_um2[0] == pytest.approx((585 + 641) / 2)
    assert population_at(20.0) == population_at(183.0)
    assert population_at(900.0) == population_at(527.0)


def test_no_cell_is_wider_than_long_nor_denser_than_a_full_box():
    cells = draw_flat(np.random.default_rng(6), 1000, population_at(183.0))
    assert (cells["width_um"] <= cells["length_um"]).all()
    volume_um3 = cells["dry_mass_pg"] * SPECIFIC_REFRACTION_INCREMENT_UM3_PER_PG
    fill = volume_um3 / (cells["area_um2"] * cells["max_opd_nm"] / NM_PER_UM)
    assert fill.between(0.59, 0.85).all()


def test_rounded_cells_are_small_thick_and_wrap():
    cells = draw_round(np.random.default_rng(7), 500, population_at(183.0))
    radius_um = np.sqrt(cells["area_um2"] / np.pi)
    assert radius_um.between(7.0, 9.0).all()
    assert cells["max_opd_nm"].between(300.0, 900.0).all()
    longest_wavelength_nm = 640.0
    assert (cells["max_opd_nm"] > longest_wavelength_nm / 2).mean() > 0.9
    assert 1.1 * 185 < cells["dry_mass_pg"].mean() < 1.6 * 185


@pytest.mark.parametrize("density", [100.0, 527.0])
def test_a_field_has_the_density_asked_for_with_border_cells(density):
    cells = random_field(np.random.default_rng(8), (300, 420), PITCH_UM, density)
    mm2 = (300 * PITCH_UM + 2 * BORDER_UM) * (420 * PITCH_UM + 2 * BORDER_UM) / 1e6
    assert abs(len(cells) - density * mm2) <= 1
    inside = cells["y_um"].between(0, 300 * PITCH_UM) & cells["x_um"].between(0, 420 * PITCH_UM)
    assert 0 < (~inside).sum() < 0.4 * len(cells)
    assert list(cells.index) == list(range(len(cells)))


def test_share_of_rounded_cells_is_as_asked():
    cells = random_field(np.random.default_rng(9), (500, 640), PITCH_UM, 400.0, round_fraction=0.3)
    assert (cells["state"] == "round").mean() == pytest.approx(0.3, abs=0.08)
    none = random_field(np.random.default_rng(9), (90, 120), PITCH_UM, 200.0, round_fraction=0.0)
    assert set(none["state"]) == {"flat"}


def test_cells_hardly_overlap_at_the_published_density():
    shape_yx = (260, 340)
    cells = random_field(np.random.default_rng(10), shape_yx, PITCH_UM, 364.0)
    seen_um2 = (render_labels(cells, shape_yx, PITCH_UM) > 0).sum() * PITCH_UM**2
    own_um2 = 0.0
    for row in range(len(cells)):
        own_um2 += (render_opd(cells.iloc[[row]], shape_yx, PITCH_UM) > 0).sum() * PITCH_UM**2
    assert seen_um2 > 0.96 * own_um2


def test_centres_keep_their_distance():
    centre, angle_rad = place_cells(
        np.random.default_rng(11), np.full(60, 30.0), np.full(60, 18.0), (400.0, 500.0)
    )
    apart = np.hypot(*(centre[:, None] - centre[None]).transpose(2, 0, 1)) + 1e3 * np.eye(60)
    assert apart.min() > 13.0
    assert np.ptp(angle_rad) > 2.0


def test_seeds_decide():
    first, again, other = (
        random_field(np.random.default_rng(seed), (96, 128), PITCH_UM, 255.0) for seed in (1, 1, 2)
    )
    assert first.equals(again)
    assert not first["y_um"].equals(other["y_um"])
