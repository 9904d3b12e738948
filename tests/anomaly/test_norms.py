"""Norms: what the cells were drawn from is found again, whatever a tenth of the histories do."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
from hand_made import NORMS, path

from lensfree.anomaly.norms import Norms
from lensfree.anomaly.robust import robust
from lensfree.simulate.series import simulate_series


@pytest.fixture(scope="module")
def clean() -> pd.DataFrame:
    return simulate_series(240, (260, 432), np.random.default_rng(71101), 0.0)[0]


@pytest.fixture(scope="module")
def learnt(clean) -> Norms:
    return Norms.learn(clean)


def test_the_culture_that_was_drawn_from_is_found(learnt):
    # Culture(): 20 h, 133 pg, halving with 6 % of the share; noise 8-22 pg and 4 % at 1/e after 0.24 h.
    assert learnt.cycle_h == pytest.approx(20, rel=0.04)
    assert learnt.cycle_spread == pytest.approx(0.12, rel=0.25)
    assert learnt.birth_dry_mass_pg == pytest.approx(133, rel=0.03)
    assert learnt.growth_rate_per_h == pytest.approx(np.log(2) / 20, rel=0.05)
    assert learnt.division_ratio == pytest.approx(0.5, rel=0.03)
    assert 0.06 < learnt.division_spread < 0.11
    assert learnt.noise_relative == pytest.approx(np.hypot(15 / 185, 0.04), rel=0.12)
    assert learnt.noise_memory_h == pytest.approx(-1 / 6 / np.log(0.5), rel=0.1)
    assert learnt.dry_mass_low_pg < 130 < 185 == pytest.approx(learnt.dry_mass_pg, rel=0.06)
    assert learnt.dry_mass_high_pg > 260


@pytest.mark.parametrize("gross", [1.0, 3000.0, 150.0], ids=["empty", "enormous", "constant"])
def test_a_tenth_of_gross_histories_moves_no_figure_far(clean, learnt, gross):
    spoiled = clean.assign(
        dry_mass_pg=clean["dry_mass_pg"].where(clean["series_id"] % 10 != 0, gross),
        cell_id=clean["cell_id"].where(clean["series_id"] % 10 != 0, clean["series_id"] * 100),
    )
    moved = Norms.learn(spoiled)
    for name in ("dry_mass_pg", "birth_dry_mass_pg", "growth_rate_per_h", "cycle_h", "division_ratio"):
        assert getattr(moved, name) == pytest.approx(getattr(learnt, name), rel=0.05), name
    for name in ("birth_spread", "cycle_spread", "division_spread", "noise_relative", "step_spread"):
        assert getattr(moved, name) == pytest.approx(getattr(learnt, name), rel=0.25), name
    # A mean would have gone far: the check would catch it.
    is_far = abs(spoiled["dry_mass_pg"].mean() / clean["dry_mass_pg"].mean() - 1)
    assert gross == 150.0 or is_far > 0.09


def test_abnormal_histories_as_they_occur_move_little(learnt):
    contaminated = simulate_series(240, (260, 432), np.random.default_rng(71102), 0.14)[0]
    moved = asdict(Norms.learn(contaminated))
    # Ups and downs below the noise are not told exactly, nor is their memory.
    assert abs(moved.pop("wander_spread") - learnt.wander_spread) < 0.03
    moved.pop("wander_memory_h")
    for name in moved:
        value = getattr(learnt, name)
        assert moved[name] == pytest.approx(
            value, rel=0.25 if name.endswith(("spread", "sd_per_h")) else 0.08
        )


def test_filled_points_are_no_evidence(clean, learnt):
    is_filled = np.random.default_rng(5).random(len(clean)) < 0.05
    holes = clean.assign(is_filled=is_filled, dry_mass_pg=clean["dry_mass_pg"].where(~is_filled, 1e6))
    without = Norms.learn(clean[~is_filled])
    assert Norms.learn(holes) == without
    assert without.cycle_h == pytest.approx(learnt.cycle_h, rel=0.02)


def test_repeated_points_and_cells_count_once(clean, learnt):
    again = clean[clean["series_id"] % 3 == 0].assign(
        series_id=lambda rows: rows["series_id"] + 10_000, is_repeated=True
    )
    assert Norms.learn(pd.concat([again, clean])) == learnt


def test_cells_that_were_never_seen_to_divide_get_a_cycle_from_their_growth():
    first = [path(15.0, births_h=(), noise=0.05, seed=k).assign(series_id=k, cell_id=k) for k in range(20)]
    norms = Norms.learn(pd.concat(first))
    assert norms.cycle_h == pytest.approx(20, rel=0.1)
    assert norms.division_ratio == 0.5
    assert norms.cycle_spread == 0.25


def test_cells_that_neither_grow_nor_vary_give_norms_that_can_be_divided_by():
    constant = [
        path(15.0, births_h=(), changed=lambda t, m: 0 * m + 200).assign(series_id=k, cell_id=k)
        for k in range(20)
    ]
    norms = Norms.learn(pd.concat(constant))
    assert Norms.from_dict(norms.to_dict()) == norms
    assert min(asdict(replace(norms, noise_memory_h=1.0, wander_spread=1.0)).values()) > 0


def test_noise_without_memory_has_none():
    white = [path(60.0, noise=0.1, seed=k).assign(series_id=k) for k in range(20)]
    for k, rows in enumerate(white):
        rows["cell_id"] += 100 * k
    norms = Norms.learn(pd.concat(white))
    # A correlation of 0.1 between neighbours would be 0.07 h; 7,200 points leave an error of 0.03.
    assert norms.noise_memory_h < 0.075
    assert norms.noise_relative == pytest.approx(0.1, rel=0.05)


def test_norms_travel_as_plain_numbers():
    assert Norms.from_dict(json.loads(json.dumps(NORMS.to_dict()))) == NORMS
    assert all(type(value) is float for value in NORMS.to_dict().values())


def test_all_learnt_figures_are_plain_numbers(learnt):
    assert all(type(value) is float for value in learnt.to_dict().values())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({k: v for k, v in NORMS.to_dict().items() if k != "cycle_h"}, r"lack \['cycle_h'\]"),
        (NORMS.to_dict() | {"colour": 1.0}, r"unknown \['colour'\]"),
        (NORMS.to_dict() | {"cycle_h": float("nan")}, "'cycle_h': nan.*positive finite"),
        (NORMS.to_dict() | {"birth_spread": 0.0}, "'birth_spread': 0.0.*positive finite"),
    ],
)
def test_norms_that_cannot_be_used_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        Norms.from_dict(values)


def test_too_few_cells_are_refused():
    with pytest.raises(ValueError, match="holds 4 cells with at least 8 measured points, expected 12"):
        Norms.learn(path(60.0))
    with pytest.raises(ValueError, match="holds 0 cells"):
        Norms.learn(path(60.0).iloc[:0])


def test_a_table_without_its_columns_is_refused():
    with pytest.raises(ValueError, match=r"lack the columns \['is_repeated'\]"):
        Norms.learn(path(60.0).drop(columns="is_repeated"))


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -3.0])
def test_a_dry_mass_that_is_none_is_refused(clean, wrong):
    table = clean.copy()
    table.loc[7, "dry_mass_pg"] = wrong
    with pytest.raises(ValueError, match=f"1 of {len(clean)} dry masses.*first is {wrong}"):
        Norms.learn(table)


def test_the_robust_sd_is_that_of_a_normal_distribution():
    values = np.random.default_rng(3).normal(4, 2, 20_000)
    assert robust(values) == pytest.approx((4, 2), rel=0.03)
    assert robust(np.append(values, np.full(2_000, 1e9))) == pytest.approx((4.2, 2.3), rel=0.05)


def test_weights_count_as_repetitions():
    values, weights = np.array([1.0, 5.0, 2.0, 9.0]), np.array([1, 1, 5, 1])
    assert robust(values, weights) == robust(np.repeat(values, weights))
