from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import linregress

from lensfree.report.growth import (
    Growth,
    growth_in_words,
    growth_rates,
    growth_table,
    measure_growth,
    resampled_rates,
)

LN2 = np.log(2)


def culture(rates_per_h, frames=30, interval_h=0.5, start_pg=200.0) -> pd.DataFrame:
    """One cell per lineage, of a dry mass that grows at the lineage's own rate and no division."""
    rows = [
        (frame, frame * interval_h, start_pg * np.exp(rate * frame * interval_h), lineage)
        for lineage, rate in enumerate(rates_per_h)
        for frame in range(frames)
    ]
    return pd.DataFrame(rows, columns=["frame", "time_h", "dry_mass_pg", "lineage_id"])


def test_exact_growth_is_found_exactly():
    cells, mass = measure_growth(culture([LN2 / 20] * 10))
    assert mass.doubling_h == pytest.approx((20.0, 20.0, 20.0))
    assert (mass.n_frames, mass.n_lineages, mass.quantity) == (30, 10, "total dry mass")
    assert (cells.rate_per_h, cells.low_per_h, cells.high_per_h) == pytest.approx((0, 0, 0), abs=1e-12)


def test_the_slope_is_that_of_a_regression():
    rng = np.random.default_rng(0)
    time_h = np.sort(rng.uniform(0, 40, 17))
    totals = np.exp(0.03 * time_h + rng.normal(0, 0.1, (3, 17)))
    expected = [linregress(time_h, np.log(row)).slope for row in totals]
    np.testing.assert_allclose(growth_rates(totals, time_h), expected, rtol=1e-12)


def test_frames_without_anything_are_left_out_and_twelve_are_needed():
    time_h = np.arange(14) / 2
    totals = np.exp(0.1 * time_h)
    totals[[3, 7]] = 0
    assert growth_rates(totals[None], time_h) == pytest.approx([0.1])
    totals[9] = 0
    assert np.isnan(growth_rates(totals[None], time_h)).all()
    assert np.isnan(growth_rates(np.ones((1, 20)), np.zeros(20))).all()


def test_lineages_are_what_is_drawn():
    """Two kinds of lineages, half of each: draws range from all of one kind to all of the other."""
    rows = culture([0.0] * 4 + [0.1] * 4)
    _, mass = measure_growth(rows, seed=1, resamples=400)
    assert 0 < mass.low_per_h < mass.rate_per_h < mass.high_per_h < 0.1
    sums = rows.pivot(index="lineage_id", columns="frame", values="dry_mass_pg").to_numpy()
    rates = resampled_rates(sums, np.arange(30) / 2, np.random.default_rng(1), 400)
    assert (mass.low_per_h, mass.high_per_h) == pytest.approx(tuple(np.quantile(rates, [0.025, 0.975])))


def test_the_same_seed_gives_the_same_interval():
    rows = culture(np.linspace(0, 0.1, 9))
    assert measure_growth(rows, seed=3) == measure_growth(rows, seed=3)
    assert measure_growth(rows, seed=3)[1].low_per_h != measure_growth(rows, seed=4)[1].low_per_h


def test_the_interval_holds_the_truth_as_often_as_it_says():
    """Lineages whose rates are drawn around 0.03: 95 % of intervals hold that of a culture of very many."""
    rng = np.random.default_rng(5)
    time_h = np.arange(24.0)
    many = np.exp(rng.normal(0.03, 0.015, 200_000)[:, None] * time_h[None, ::6]).sum(axis=0)
    truth = np.polyfit(time_h[::6], np.log(many), 1)[0]
    hits = 0
    for _ in range(200):
        sums = np.exp(rng.normal(0.03, 0.015, 40)[:, None] * time_h)
        low, high = np.quantile(resampled_rates(sums, time_h, rng, 200), [0.025, 0.975])
        hits += low <= truth <= high
    assert 0.88 <= hits / 200 <= 0.99


def test_without_lineages_or_with_few_there_is_no_interval():
    for rows in (culture([0.05] * 9).drop(columns="lineage_id"), culture([0.05] * 7)):
        _, mass = measure_growth(rows)
        assert mass.rate_per_h == pytest.approx(0.05)
        assert np.isnan([mass.low_per_h, mass.high_per_h]).all()
    assert measure_growth(culture([0.05] * 9).drop(columns="lineage_id"))[0].n_lineages == 0


def test_an_empty_table_has_no_growth():
    for growth in measure_growth(culture([])):
        assert np.isnan(growth.rate_per_h) and growth.n_frames == 0


@pytest.mark.parametrize(
    ("rates", "doubling"),
    [
        ((LN2 / 20, LN2 / 25, LN2 / 16), (20, 16, 25)),
        ((LN2 / 20, -0.01, LN2 / 16), (20, np.nan, np.nan)),
        ((-0.02, -0.03, -0.01), (np.nan, np.nan, np.nan)),
        ((LN2 / 20, np.nan, np.nan), (20, np.nan, np.nan)),
    ],
)
def test_a_doubling_time_has_an_interval_only_where_all_of_it_grows(rates, doubling):
    assert Growth("cells", *rates, 30, 9).doubling_h == pytest.approx(doubling, nan_ok=True)


@pytest.mark.parametrize(
    ("growth", "words"),
    [
        (
            Growth("cells", LN2 / 20, LN2 / 25, LN2 / 16, 30, 9),
            "The number of cells doubles in 20 h (16 to 25 h; 95 % interval, from drawing the 9 lineages "
            "anew).",
        ),
        (
            Growth("total dry mass", 0.01, -0.02, 0.04, 30, 9),
            "Total dry mass neither grows nor falls beyond doubt: +1 % per h (-2 to +4 % per h; 95 % "
            "interval, from drawing the 9 lineages anew).",
        ),
        (
            Growth("total dry mass", -0.02, -0.03, -0.01, 30, 9),
            "Total dry mass falls: -2 % per h (-3 to -1 % per h; 95 % interval, from drawing the 9 lineages "
            "anew).",
        ),
        (
            Growth("cells", LN2 / 20, np.nan, np.nan, 30, 3),
            "The number of cells doubles in 20 h (no interval: only 3 lineages).",
        ),
        (
            Growth("cells", -0.01, np.nan, np.nan, 30, 0),
            "The number of cells does not grow (-1 % per h; no interval: cells were not tracked).",
        ),
        (
            Growth("cells", np.nan, np.nan, np.nan, 5, 0),
            "The number of cells: no doubling time, with 5 frames (at least 12 are needed).",
        ),
    ],
)
def test_growth_in_words(growth, words):
    assert growth_in_words(growth) == words


def test_the_table_says_the_same():
    table = growth_table([Growth("cells", LN2 / 20, LN2 / 25, LN2 / 16, 30, 9)])
    row = table.iloc[0].to_dict()
    assert (row["doubling_h"], row["doubling_low_h"], row["doubling_high_h"]) == pytest.approx((20, 16, 25))
    assert (row["rate_low_per_h"], row["n_frames"], row["n_lineages"]) == (LN2 / 25, 30, 9)
