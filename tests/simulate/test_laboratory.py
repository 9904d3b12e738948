"""The two laboratories: home is what everything else is simulated in, abroad differs in cells and noise."""

import numpy as np
import pytest

from lensfree.simulate.laboratory import (
    ABROAD,
    HOME,
    MEDIAN_PG,
    draw_laboratory,
    laboratory_of_series,
    simulate_laboratories,
)
from lensfree.simulate.lives import Culture
from lensfree.simulate.measurement import SeriesNoise
from lensfree.simulate.series import simulate_series

STILL = Culture(cycle_h=1e9, cycle_cv=0.0, founder_cv=0.0, linear_fraction=1.0)


def draw(laboratory, *, n=120, seed=3, **changed):
    settings = {"culture": laboratory.culture, "noise": laboratory.noise} | changed
    return simulate_series(n, (432, 432), np.random.default_rng(seed), 0.0, **settings)[0]


def test_home_is_the_default():
    plain, _ = simulate_series(20, (200, 300), np.random.default_rng(4), 0.5)
    at_home, _ = simulate_series(
        20, (200, 300), np.random.default_rng(4), 0.5, culture=HOME.culture, noise=HOME.noise
    )
    assert at_home.equals(plain)


def test_noise_abroad_is_1_4_times_that_at_home():
    silent = SeriesNoise(sd_pg=(0.0, 0.0), relative=0.0)
    true_pg, home_pg, abroad_pg = (
        draw(HOME, culture=STILL, noise=noise)["dry_mass_pg"].to_numpy()
        for noise in (silent, HOME.noise, ABROAD.noise)
    )
    assert np.std(home_pg - true_pg) > 10
    np.testing.assert_allclose(abroad_pg - true_pg, 1.4 * (home_pg - true_pg), rtol=1e-9, atol=1e-9)


def test_cells_abroad_are_larger_slower_and_more_varied():
    def cycles_h(series):
        whole = [rows["time_h"].agg(np.ptp) for _, rows in series.groupby("cell_id")]
        return np.array(whole)

    silent = SeriesNoise(sd_pg=(0.0, 0.0), relative=0.0)
    found = {}
    for name, laboratory in (("home", HOME), ("abroad", ABROAD)):
        series = draw(laboratory, noise=silent)
        first = series.groupby("series_id")["cell_id"].transform("min")
        last = series.groupby("series_id")["cell_id"].transform("max")
        whole = series[(series["cell_id"] != first) & (series["cell_id"] != last)]
        lengths = cycles_h(whole)
        found[name] = (series["dry_mass_pg"].mean(), lengths.mean(), lengths.std() / lengths.mean())
    assert found["abroad"][0] / found["home"][0] == pytest.approx(165 / 133, rel=0.03)
    # Cycles seen whole within 72 h favour short ones, more so where they are long.
    assert 1.05 < found["abroad"][1] / found["home"][1] < 1.25
    assert found["abroad"][2] > found["home"][2]


def test_many_laboratories_differ_in_life_and_noise_but_not_in_size():
    table = simulate_laboratories(4, 42, (180, 220), np.random.default_rng(5), 0.0)
    assert table["series_id"].nunique() == 42
    assert (table.groupby("cell_id")["series_id"].nunique() == 1).all()
    of_laboratory = np.digitize(table["series_id"], [11, 22, 32])
    assert (laboratory_of_series(4, 42)[table["series_id"]] == of_laboratory).all()
    medians = table.groupby(of_laboratory)["dry_mass_pg"].median()
    np.testing.assert_allclose(medians, MEDIAN_PG)
    grouped = table.groupby(of_laboratory)
    divisions = grouped["cell_id"].nunique() / grouped["series_id"].nunique()
    assert divisions.max() > 1.15 * divisions.min()


def test_a_seed_draws_the_same_laboratories():
    one, other, third = (
        simulate_laboratories(3, 9, (180, 200), np.random.default_rng(seed), 0.3) for seed in (1, 1, 2)
    )
    assert one.equals(other) and not one.equals(third)


def test_laboratories_keep_to_their_ranges():
    drawn = [draw_laboratory(np.random.default_rng(i)) for i in range(200)]
    cycles = np.array([each.culture.cycle_h for each in drawn])
    assert 16 <= cycles.min() < 17 and 29 < cycles.max() <= 30
    lowest = np.array([each.noise.sd_pg[0] for each in drawn]) / HOME.noise.sd_pg[0]
    assert 0.7 <= lowest.min() < 0.75 and 1.55 < lowest.max() <= 1.6


def test_half_of_the_laboratories_are_restless():
    drawn = [draw_laboratory(np.random.default_rng(i)).noise for i in range(200)]
    restless = [noise for noise in drawn if noise.wander > 0]
    assert 80 < len(restless) < 120
    assert all(noise.dips_per_h == 0 for noise in drawn if noise.wander == 0)
    assert {0.02 <= noise.wander <= 0.08 and 2 <= noise.wander_h <= 6 for noise in restless} == {True}
    assert max(noise.dips_per_h for noise in restless) > 0.03
