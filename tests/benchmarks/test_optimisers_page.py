"""Tables and figure of the comparison of step rules, from a small made-up result."""

import pytest
from optimisers_page import BEGIN, END, draw, spelled, tables, with_tables

from lensfree.report import style


def entry(situation, rule, evaluations, flat_rmse_nm):
    return {
        "situation": situation,
        "rule": rule,
        "knobs": {"damping": 0.3} if "metric" in rule else {},
        "evaluations": evaluations,
        "ffts": 12 * evaluations,
        "misfit": 1.234e-4,
        "objective": 50.0,
        "flat_rmse_nm": flat_rmse_nm,
        "flat_mass_slope": 0.97,
        "flat_mass_r2": 0.98,
        "round_rmse_nm": 30.0,
        "background_rmse_nm": 2.0,
    }


def found():
    rows = [
        entry(situation, rule, n, 3.0 + n / 100)
        for situation in ("from nothing", "after the CNN")
        for rule, budgets in (("start", (0,)), ("plain", (20, 150)), ("metric", (20, 150)))
        for n in budgets
    ]
    return {"shipped": {"from nothing": "plain", "after the CNN": "metric"}, "rows": rows}


def test_the_tables_say_error_and_misfit_and_mark_what_ships():
    text = tables(found())
    assert "| rule | 240 FFTs | 1800 FFTs |" in text
    assert "| **plain** | 3.20 / 1.23 | 4.50 / 1.23 |" in text
    assert "| metric | damping 0.3 | 0.970 |" in text
    assert "| **metric** | damping 0.3 | 0.970 |" in text
    assert "After 1800 FFTs" in text
    assert "After 240 FFTs" in text
    for line in text.splitlines():
        if line.startswith("|---"):
            columns = line.count("|") - 1
        elif line.startswith("|") and "rule" not in line:
            assert line.count("|") - 1 == columns


def test_only_what_stands_between_the_marks_is_replaced():
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert with_tables(page, "new\n") == f"before\n{BEGIN}\nnew\n{END}\nafter\n"


@pytest.mark.parametrize("page", ["nothing", f"{END} {BEGIN}", BEGIN])
def test_a_page_without_marks_is_refused(page):
    with pytest.raises(ValueError, match="expected a line"):
        with_tables(page, "new")


def test_the_figure_is_small():
    assert len(style.to_png(draw(found()))) < 200_000


def test_knobs_are_said_in_words():
    assert (
        spelled({"first_step": 0.25, "is_step_kept": True, "is_sure": False}) == "first step 0.25, step kept"
    )
    assert spelled({}) == "-"


def test_what_ships_has_the_colour_of_its_rule_and_is_dashed():
    rows = found()["rows"]
    rows += [entry("after the CNN", "metric, as shipped", n, 4.0) for n in (20, 150)]
    lines = {
        (line.get_color(), line.get_linestyle())
        for axes in draw(found() | {"rows": rows}).axes
        for line in axes.get_lines()
    }
    assert len({colour for colour, _ in lines}) == 2
    assert sum(dashes == "--" for _, dashes in lines) == 1
