"""Growth, cell cycle, division and the ways to go wrong, without positions."""

import numpy as np
import pytest

from lensfree.config import SimulateConfig
from lensfree.simulate.anomalies import BIOLOGICAL
from lensfree.simulate.lives import (
    LIFE_COLUMNS,
    Culture,
    divide,
    draw_founder,
    draw_life,
    dry_mass_at,
    grow_lineages,
)

NORMAL = Culture(abnormal_fraction=0.0)


def born(kind="", seed=0, **more):
    settings = dict(birth_h=0.0, birth_dry_mass_pg=133.0, kind=kind, parent_id=5) | more
    return draw_life(np.random.default_rng(seed), NORMAL, **settings)


def mass(life, time_h):
    return float(dry_mass_at(life, time_h))


@pytest.fixture(scope="module")
def families():
    return grow_lineages(np.random.default_rng(1), NORMAL, n_founders=250, duration_h=70.0)


def test_the_cell_cycle_has_the_mean_and_spread_of_the_culture(families):
    # Cells born before 35 h can live their whole cycle within the 70 h, so none is cut short.
    is_whole = (families["parent_id"] >= 0) & (families["birth_h"] < 35.0)
    cycle_h = (families["end_h"] - families["birth_h"])[is_whole]
    assert is_whole.sum() > 500
    assert cycle_h.mean() == pytest.approx(NORMAL.cycle_h, rel=0.03)
    assert cycle_h.std() / cycle_h.mean() == pytest.approx(NORMAL.cycle_cv, rel=0.15)


def test_the_living_weigh_what_was_published_and_double_every_cycle(families):
    counts = []
    for time_h in (0.0, 20.0, 40.0):
        is_alive = (families["birth_h"] <= time_h) & (families["end_h"] > time_h)
        alive = {name: column[is_alive] for name, column in families.items()}
        counts.append(is_alive.sum())
        dry_mass_pg = dry_mass_at(alive, time_h)
        assert dry_mass_pg.mean() == pytest.approx(185.0, rel=0.05)
        assert dry_mass_pg.std() == pytest.approx(45.0, rel=0.25)
    assert counts[0] == 250
    assert counts[2] / counts[0] == pytest.approx(4.0, rel=0.12)


def test_birth_size_is_kept_by_adding_the_same_dry_mass_whatever_the_birth():
    added = {
        birth_pg: np.mean(
            [
                mass(life, life["end_h"]) - birth_pg
                for life in (born(seed=seed, birth_dry_mass_pg=birth_pg) for seed in range(300))
            ]
        )
        for birth_pg in (100.0, 180.0)
    }
    assert added[100.0] == pytest.approx(133.0, rel=0.03)
    assert added[180.0] == pytest.approx(added[100.0], rel=1e-6)


@pytest.mark.parametrize("kind", ["", "asymmetric_division", "three_way_division", "merge"])
def test_daughters_weigh_together_what_their_mother_weighed(kind):
    for seed in range(20):
        mother = born(kind, seed)
        mother_pg = mass(mother, mother["end_h"])
        daughters = divide(np.random.default_rng(seed), NORMAL, mother, first_id=9)
        assert len(daughters) == (3 if kind == "three_way_division" else 2)
        assert sum(d["birth_dry_mass_pg"] for d in daughters) == pytest.approx(mother_pg, rel=1e-12)
        assert all(d["birth_h"] == mother["end_h"] for d in daughters)
        assert [d["cell_id"] for d in daughters] == list(range(9, 9 + len(daughters)))


def test_normal_halves_are_nearly_equal_and_asymmetric_ones_are_not():
    def shares(kind):
        out = []
        for seed in range(300):
            mother = born(kind, seed)
            first = divide(np.random.default_rng(seed), NORMAL, mother, first_id=1)[0]
            out.append(first["birth_dry_mass_pg"] / mass(mother, mother["end_h"]))
        return np.array(out)

    normal = shares("")
    assert normal.mean() == pytest.approx(0.5, abs=0.01)
    assert normal.std() == pytest.approx(0.03, rel=0.2)
    assert (np.minimum(shares("asymmetric_division"), 1 - shares("asymmetric_division")) < 0.37).all()


def test_a_cell_that_does_not_divide_stays_on_a_plateau():
    for seed in range(10):
        life, normal = born("no_division", seed), born("", seed)
        assert life["end_h"] == np.inf and life["fate"] == "undivided"
        at_turn = mass(life, life["onset_h"])
        assert at_turn == pytest.approx(mass(normal, normal["end_h"]), rel=1e-9)
        assert 1.0 <= mass(life, life["onset_h"] + 40) / at_turn < 1.07


def test_slow_and_fast_growth_change_the_rate():
    slow, normal, fast = (
        np.median([born(kind, seed)["end_h"] for seed in range(60)])
        for kind in ("slow_growth", "", "fast_growth")
    )
    assert slow > 2 * normal
    assert fast < 0.6 * normal


def test_dry_mass_loss_and_death_lose_dry_mass_from_their_onset_on():
    for kind, left in (("dry_mass_loss", (0.5, 0.75)), ("death", (0.3, 0.6))):
        for seed in range(10):
            life = born(kind, seed)
            onset_h = life["onset_h"]
            assert mass(life, onset_h) > mass(life, onset_h - 1.0)
            assert left[0] <= mass(life, onset_h + 60) / mass(life, onset_h) <= left[1] + 1e-6
    assert {born("death", seed)["fate"] for seed in range(5)} == {"dead"}


def test_a_giant_exceeds_what_any_normal_cell_reaches():
    for seed in range(10):
        later = born("giant", seed)
        assert mass(later, later["onset_h"] + 50) > 1.7 * mass(later, later["onset_h"])
        founder = draw_founder(np.random.default_rng(seed), NORMAL, kind="giant")
        assert founder["fate"] == "undivided"
        assert mass(founder, 30.0) > 350.0


def test_sisters_that_merge_become_one_cell_with_the_sum():
    mother = born("merge", 3)
    stays, goes = divide(np.random.default_rng(3), NORMAL, mother, first_id=7)
    fusion_h = stays["fusion_h"]
    assert goes["end_h"] == fusion_h and goes["fate"] == "fused"
    assert (stays["partner_id"], goes["partner_id"]) == (8, 7)
    before = mass(stays, fusion_h - 1e-9) + mass(goes, fusion_h - 1e-9)
    assert mass(stays, fusion_h) == pytest.approx(before, rel=1e-6)
    assert mother["kind"] == "" and stays["kind"] == goes["kind"] == "merge"


def test_founders_are_alive_at_the_start_and_of_all_ages():
    founders = [draw_founder(np.random.default_rng(seed), NORMAL) for seed in range(300)]
    age = np.array([-f["birth_h"] / (f["end_h"] - f["birth_h"]) for f in founders])
    assert ((age >= 0) & (age < 1)).all()
    # The age density of an exponentially growing population is 2 ln 2 * 2^-age: its median is 0.415.
    assert np.median(age) == pytest.approx(0.415, abs=0.06)


@pytest.mark.parametrize("kind", list(BIOLOGICAL))
def test_an_abnormal_founder_is_alive_at_the_start(kind):
    for seed in range(40):
        founder = draw_founder(np.random.default_rng(seed), NORMAL, kind=kind)
        assert founder["birth_h"] <= 0 < founder["end_h"]
        assert 40 < mass(founder, 0.0) < 900


def test_lineages_are_consistent():
    lives = grow_lineages(
        np.random.default_rng(2), Culture(abnormal_fraction=0.3), n_founders=120, duration_h=50.0
    )
    assert set(lives) == set(LIFE_COLUMNS)
    np.testing.assert_array_equal(lives["cell_id"], np.arange(len(lives["cell_id"])))
    born_here = np.flatnonzero(lives["parent_id"] >= 0)
    mothers = lives["parent_id"][born_here]
    np.testing.assert_array_equal(lives["birth_h"][born_here], lives["end_h"][mothers])
    np.testing.assert_array_equal(lives["lineage_id"][born_here], lives["lineage_id"][mothers])
    assert (lives["fate"][mothers] == "division").all()
    assert (lives["birth_h"] <= 50.0).all()
    assert set(BIOLOGICAL) <= set(lives["kind"])
    # Wherever something goes wrong it has an onset, and nowhere else.
    np.testing.assert_array_equal(lives["kind"] != "", np.isfinite(lives["onset_h"]))


def test_the_share_of_abnormal_cells_follows_the_config():
    config = SimulateConfig(abnormal_fraction=0.2, cycle_h=24.0, cycle_cv=0.2)
    culture = Culture.of(config)
    assert (culture.cycle_h, culture.cycle_cv, culture.abnormal_fraction) == (24.0, 0.2, 0.2)
    lives = grow_lineages(np.random.default_rng(3), culture, n_founders=1500, duration_h=30.0)
    # A merge shows in the daughters only, so founders show it after they have divided.
    shown = 0.2 * (1 - BIOLOGICAL["merge"]) / sum(BIOLOGICAL.values())
    founders = lives["parent_id"] < 0
    assert (lives["kind"] != "")[founders].mean() == pytest.approx(shown, abs=0.03)


def test_what_would_go_wrong_after_the_film_is_not_marked():
    lives = grow_lineages(
        np.random.default_rng(4), Culture(abnormal_fraction=1.0), n_founders=200, duration_h=2.0
    )
    is_marked = lives["kind"] != ""
    assert (lives["onset_h"][is_marked] <= 2.0).all()
    assert 0.2 < is_marked.mean() < 0.6
