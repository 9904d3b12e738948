from __future__ import annotations

import re

import numpy as np
import pytest
from wells_by_hand import OF, well

from lensfree.config import CompareConfig
from lensfree.report.compare_effects import conditions_of, effect_table, well_table
from lensfree.report.compare_figure import draw_effects, draw_wells
from lensfree.report.compare_page import build_comparison
from lensfree.report.compare_words import doubling_in_words, effect_in_words, nothing_to_compare, quantity

CONFIG = CompareConfig(resamples=200)


@pytest.fixture(scope="module")
def wells():
    rng = np.random.default_rng(0)
    return [
        *(
            well("control", f"c{k}", cycle=rng.normal(18 + 0.1 * k, 1, 12), flagged=[0, 0, 1])
            for k in range(3)
        ),
        *(
            well("drug <x>", f"d{k}", cycle=rng.normal(22 + 0.1 * k, 1, 12), flagged=[0, 1, 1])
            for k in range(3)
        ),
        well("other", "e0", rate_per_h=0.02, cycle=rng.normal(18.1, 1, 30)),
    ]


@pytest.fixture(scope="module")
def page(wells):
    return build_comparison(wells, CONFIG, kinds={w.name: "simulated" for w in wells})[0]


def text_of(page: str) -> str:
    body = re.sub(r"<style>.*?</style>", "", page, flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def test_the_page_needs_nothing_from_elsewhere_and_is_small(page):
    assert "http" not in page
    assert "//" not in re.sub(r"base64,[A-Za-z0-9+/=]+", "", page)
    assert not re.search(r"<(script|link|iframe|object)\b", page)
    assert len(page.encode()) < 2e6
    assert page.count('alt="') == 2 and 'alt=""' not in page
    assert "drug &lt;x&gt;" in page and "<x>" not in page


def test_it_says_what_differs_by_how_much_and_what_the_interval_is_about(page):
    text = text_of(page)
    assert "Cell cycles are longer in drug &lt;x&gt; than in control by" in text
    assert "3 and 3 wells" in text and "Hedges" in text and "Cliff" in text
    assert "Cell cycles: no difference beyond doubt between other and control" in text
    assert "1 and 3 wells, families drawn anew" in text
    assert "interval comes from drawing wells anew" in text
    assert "It says how well these very wells are known" in text
    assert "SIMULATED DATA: these cells were computed, not recorded" in text
    assert re.search(r"4 % per h, doubles in 17\.3 h", text)


def test_one_condition_has_nothing_to_compare_but_its_wells(wells):
    page, tables = build_comparison(wells[:2], CONFIG, kinds={"c0": "hologram", "c1": "hologram"})
    text = text_of(page)
    assert "There is nothing to compare: the sheet names one condition, control." in text
    assert "What differs" not in text and "SIMULATED" not in text
    assert page.count('alt="') == 1
    assert len(tables["effects"]) == 0 and len(tables["wells"]) > 0
    assert "There is nothing to compare: the sheet names no condition." in nothing_to_compare([""])
    assert nothing_to_compare(["a", "b"]) == ""


def test_simulated_among_real_ones_are_named(wells):
    page, _ = build_comparison(wells[:4], CONFIG, kinds={"c0": "hologram", "c1": "simulated"})
    assert "SIMULATED DATA AMONG THESE: c1" in page


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"low": 1.0, "high": 3.0},
            "Cell cycles are longer in drug than in control by 2 h (95 % interval +1 to +3 h; 4 and 5 "
            "wells). That is 1.5 times the spread among wells (Hedges' g). A cell of drug has the higher "
            "value in 75% of all pairs with one of control (Cliff's delta +0.50).",
        ),
        (
            {"low": -1.0, "high": 3.0},
            "Cell cycles: no difference beyond doubt between drug and control (+2 h, 95 % interval -1 to "
            "+3 h; 4 and 5 wells).",
        ),
        (
            {"low": np.nan, "high": np.nan, "drawn_anew": "none"},
            "Cell cycles are longer in drug than in control by 2 h; how sure that is cannot be said "
            "(4 and 5 wells).",
        ),
        (
            {"measure": "flagged", "difference": -0.1, "low": -0.2, "high": -0.05, "drawn_anew": "lineages",
             "hedges_g": np.nan, "cliffs_delta": np.nan},
            "Shares of flagged histories are lower in drug than in control by 10 percentage points (95 % "
            "interval -20 to -5 percentage points; 4 and 5 wells, families drawn anew).",
        ),
        (
            {"measure": "total_growth", "difference": -0.01, "low": -0.02, "high": -0.005,
             "hedges_g": np.nan, "cliffs_delta": np.nan},
            "Growth rates of total dry mass are lower in drug than in control by 1 % per h (95 % interval "
            "-2 to -0.5 % per h; 4 and 5 wells).",
        ),
    ],
)  # fmt: skip
def test_a_row_in_words(changes, words):
    import pandas as pd

    row = {
        "measure": "cycle",
        "condition": "drug",
        "reference": "control",
        "difference": 2.0,
        "drawn_anew": "wells",
        "n_wells": 4,
        "n_wells_reference": 5,
        "hedges_g": 1.5,
        "cliffs_delta": 0.5,
    }
    assert effect_in_words(pd.Series({**row, **changes})) == words


def test_quantities_have_units():
    assert quantity(2.345, OF["cycle"]) == "2.35 h"
    assert quantity(0.0345, OF["cell_growth"]) == "3.45 % per h"
    assert quantity(0.05, OF["asymmetry"], sign=True) == "+0.05"
    assert doubling_in_words(np.log(2) / 20) == "doubles in 20 h"
    assert doubling_in_words(-0.01) == "does not grow"


def test_every_well_is_drawn_at_its_value_with_its_condition_s_shape(wells):
    conditions = conditions_of(wells, "auto")
    table = well_table(wells)
    figure = draw_wells(table, conditions)
    axes = figure.axes[0]
    assert axes.get_title(loc="left") == "cell cycle [h]"
    marks = {line.get_marker(): [] for line in axes.lines if line.get_marker() not in ("None", None)}
    for line in axes.lines:
        if line.get_marker() in marks:
            marks[line.get_marker()].append(float(line.get_ydata()[0]))
    own = table[table["measure"] == "cycle"]
    expected = [own.loc[own["condition"] == name, "value"].tolist() for name in conditions]
    assert list(marks.values()) == [pytest.approx(values) for values in expected]
    shares = next(a for a in figure.axes if "flagged" in a.get_title(loc="left"))
    assert shares.get_title(loc="left") == "share of histories flagged [%]"
    assert sorted(
        {round(float(line.get_ydata()[0]), 1) for line in shares.lines if line.get_marker() != "None"}
    ) == [
        33.3,
        66.7,
    ]


def test_differences_are_drawn_with_their_intervals_and_filled_where_wells_were_drawn(wells):
    effects = effect_table(wells, CONFIG)
    figure = draw_effects(effects, conditions_of(wells, "auto"))
    axes = figure.axes[0]
    own = effects[effects["measure"] == "cycle"].set_index("condition")
    marks = [line for line in axes.lines if line.get_marker() not in ("None", None)]
    assert [float(line.get_xdata()[0]) for line in marks] == pytest.approx(own["difference"].tolist())
    assert [line.get_markerfacecolor() == "white" for line in marks] == [False, True]
    spans = [line.get_xdata() for line in axes.lines if len(line.get_xdata()) == 2 and line.get_lw() > 2]
    np.testing.assert_allclose(spans, own[["low", "high"]].to_numpy())
    assert [label.get_text() for label in axes.get_yticklabels()] == ["drug <x>", "other"]
