from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import bootstrap
from wells_by_hand import OF, well

from lensfree.config import CompareConfig
from lensfree.contracts_report import EFFECTS, WELLS
from lensfree.report.compare_effects import (
    compare_wells,
    conditions_of,
    effect_table,
    hedges_g,
    well_interval,
    well_table,
)

CONFIG = CompareConfig(resamples=500)


def row_of(table, measure, condition="drug"):
    (row,) = table[(table["measure"] == measure) & (table["condition"] == condition)].to_dict("records")
    return row


@pytest.fixture(scope="module")
def many():
    """Three wells of each condition; cells of drug have cycles that are 4 h longer."""
    return [
        *(well("control", f"c{k}", cycle=[17 + k, 18 + k, 19 + k]) for k in range(3)),
        *(well("drug", f"d{k}", cycle=[21 + k, 22 + k, 23 + k]) for k in range(3)),
    ]


def test_the_first_condition_of_the_sheet_is_the_reference_unless_named():
    wells = [well("b", "1"), well("a", "2"), well("b", "3")]
    assert conditions_of(wells, "auto") == ["b", "a"]
    assert conditions_of(wells, "a") == ["a", "b"]
    with pytest.raises(
        ValueError, match=r"compare\.reference is 'c', expected one of the sheet's conditions: b, a"
    ):
        conditions_of(wells, "c")


def test_wells_are_the_units_where_there_are_three_of_each(many):
    row = row_of(effect_table(many, CONFIG), "cycle")
    assert (row["difference"], row["drawn_anew"], row["n_wells"], row["n_wells_reference"]) == (
        4.0,
        "wells",
        3,
        3,
    )
    # sd of 18, 19, 20 is 1 in both: g = 4 / 1 * (1 - 3 / (4 * 6 - 9)) = 3.2.
    assert row["hedges_g"] == pytest.approx(3.2)
    assert row["low"] < 4.0 < row["high"]
    assert row["reference"] == "control" and row["unit"] == "h"


def test_cells_do_not_make_the_interval_of_wells_narrower(many):
    crowd = [well(w.condition, w.name, cycle=np.repeat(w.cells(OF["cycle"])[0], 50)) for w in many]
    few, lots = (row_of(effect_table(wells, CONFIG), "cycle") for wells in (many, crowd))
    assert (few["low"], few["high"], few["hedges_g"]) == (lots["low"], lots["high"], lots["hedges_g"])


def test_with_one_well_each_lineages_are_drawn_and_the_table_says_so():
    rng = np.random.default_rng(0)
    a, b = rng.normal(22, 2, 40), rng.normal(18, 2, 30)
    row = row_of(effect_table([well("control", "1", cycle=b), well("drug", "2", cycle=a)], CONFIG), "cycle")
    assert row["drawn_anew"] == "lineages"
    assert row["difference"] == pytest.approx(np.median(a) - np.median(b))
    assert np.isnan(row["hedges_g"])
    theirs = bootstrap(
        (a, b),
        lambda x, y, axis: np.median(x, axis=axis) - np.median(y, axis=axis),
        method="percentile",
        vectorized=True,
        n_resamples=4000,
        random_state=1,
    ).confidence_interval
    assert (row["low"], row["high"]) == pytest.approx(tuple(theirs), abs=0.25)


def test_sisters_count_as_one_draw():
    """Ten cells of one value per lineage: as sure as one cell per lineage, not ten times as sure."""
    rng = np.random.default_rng(2)
    values = rng.normal(20, 2, 12)
    alone = [well("control", "1", cycle=values), well("drug", "2", cycle=values + 3)]
    families = [
        well(w.condition, w.name, cycle=(np.repeat(v, 10), np.repeat(np.arange(12), 10)))
        for w, v in zip(alone, (values, values + 3), strict=True)
    ]
    one, ten = (row_of(effect_table(wells, CONFIG), "cycle") for wells in (alone, families))
    assert ten["high"] - ten["low"] == pytest.approx(one["high"] - one["low"], rel=0.25)


def test_two_wells_against_three_are_too_few_for_wells(many):
    row = row_of(effect_table(many[:5], CompareConfig(resamples=100)), "total_growth")
    assert (row["drawn_anew"], row["n_wells"], row["n_wells_reference"]) == ("lineages", 2, 3)


def test_a_handful_of_lineages_has_no_interval():
    row = compare_wells(
        [well("a", "1", cycle=[1, 2, 3])], [well("b", "2", cycle=range(20))], OF["cycle"], CONFIG
    )
    assert row["drawn_anew"] == "none" and np.isnan([row["low"], row["high"]]).all()


def test_a_measure_that_one_condition_lacks_is_not_compared(many):
    table = effect_table(many, CONFIG)
    assert set(table["measure"]) == {"cycle", "total_growth"}
    assert list(table.columns) == list(EFFECTS.columns)


def test_one_condition_has_no_effects_but_a_table_of_wells(many):
    assert len(effect_table(many[:3], CONFIG)) == 0
    table = well_table(many[:3])
    assert list(table.columns) == list(WELLS.columns)
    first = table[table["measure"] == "cycle"].iloc[0]
    assert first[["value", "quarter_low", "quarter_high", "n_values"]].tolist() == [18.0, 17.5, 18.5, 3]
    rate = table[table["measure"] == "total_growth"].iloc[0]
    assert rate["value"] == pytest.approx(0.04)
    assert np.isnan(rate["quarter_low"]) and rate["n_lineages"] == 10


def test_the_effect_of_cells_is_the_share_of_pairs():
    wells = [
        well("control", "1", cycle=[1, 2, 3, 4], flagged=[0, 0]),
        well("drug", "2", cycle=[5, 6, 3], flagged=[1, 0]),
    ]
    table = effect_table(wells, CONFIG)
    # 5 and 6 are higher than all four, 3 than two and lower than one: (8 + 2 - 1) / 12.
    assert row_of(table, "cycle")["cliffs_delta"] == pytest.approx(9 / 12)
    assert np.isnan(row_of(table, "flagged")["cliffs_delta"])
    assert row_of(table, "flagged")["difference"] == 0.5
    assert np.isnan(row_of(table, "total_growth")["cliffs_delta"])


def test_the_interval_of_wells_holds_the_truth_19_times_in_20():
    rng = np.random.default_rng(18)
    for n in (3, 5):
        hits = 0
        for _ in range(300):
            low, high = well_interval(rng.normal(size=n), rng.normal(size=n), rng, 500)
            hits += low <= 0 <= high
        assert 0.90 <= hits / 300 <= 0.985, n


def test_wells_that_do_not_vary_have_an_interval_without_width():
    same = np.array([2.0, 2.0, 2.0])
    assert well_interval(same + 1, same, np.random.default_rng(0), 100) == (1.0, 1.0)
    assert np.isnan(hedges_g(same + 1, same))


def test_the_same_seed_gives_the_same_table(many):
    assert effect_table(many, CONFIG).equals(effect_table(many, CONFIG))
    other = CompareConfig(resamples=500, seed=2)
    first, second = (row_of(effect_table(many[:5], c), "total_growth") for c in (CONFIG, other))
    assert first["difference"] == second["difference"]
