"""The two laboratories: home is what everything else is simulated in, abroad differs in cells and noise."""

import numpy as np
import pytest

from lensfree.simulate.laboratory import ABROAD, HOME
from lensfree.simulate.lives import Culture
from lensfree.simulate.series import SeriesNoise, simulate_series

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
