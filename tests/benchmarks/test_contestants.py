"""The contest on a small synthetic field: every rule descends, counts right, and is looked at fairly."""

import numpy as np
import pytest
from contestants import RULES, by_lbfgs, follow, shipped
from descent_cases import cases, look, row
from step_rules import Ledger

from lensfree.config import Config
from lensfree.phase.descent import descend
from lensfree.phase.objective import Objective

EVALUATIONS = (4, 12)


@pytest.fixture(scope="module")
def both():
    """Both situations of one field of 72 x 96 pixels, the CNN's answer being its input."""
    config = Config()
    config = config.model_copy(update={"evaluate": config.evaluate.model_copy(update={"field_px": 96})})
    return list(cases(config, (70011,), (250.0,), lambda opd_nm, absorption: (opd_nm, absorption)))


def test_the_two_situations_differ_in_start_and_weights(both):
    nothing, after = both
    assert (nothing.situation, after.situation) == tuple(shipped(Config()))
    assert not nothing.start.any()
    assert after.start.any()
    settings = Config().reconstruct
    assert nothing.weights.slow_opd_weight == settings.slow_opd_weight_reference
    assert after.weights.slow_opd_weight == 0
    assert after.weights.negative_opd_weight == settings.negative_opd_weight_last


@pytest.mark.parametrize("name", RULES)
def test_every_rule_explains_the_holograms_better_with_more_ffts(both, name):
    case = both[0]
    rule, grid = RULES[name]
    problem = case.problem()
    reached = follow(rule, case, EVALUATIONS, **grid[0])
    misfits = [problem.objective.misfit(u) for u in (case.start, *(reached[n] for n in EVALUATIONS))]
    assert misfits[0] > misfits[1] > misfits[2]


@pytest.mark.parametrize("name", RULES)
def test_no_rule_computes_more_ffts_than_it_was_given(both, name, monkeypatch):
    """Counted where they happen: by the pixels that are evaluated, metric aside."""
    case = both[0]
    rule, grid = RULES[name]
    pixels = []
    compute = Objective.value_and_gradient

    def counted(self, unknowns):
        pixels.append(unknowns[0].size)
        return compute(self, unknowns)

    monkeypatch.setattr(Objective, "value_and_gradient", counted)
    follow(rule, case, (6,), **grid[-1])
    assert sum(pixels) <= 6 * case.start[0].size
    assert sum(pixels) >= 3 * case.start[0].size


@pytest.mark.parametrize(("budget", "is_moved"), [(25, False), (26, True)])
def test_the_metric_is_on_the_ledger(both, budget, is_moved):
    """A first step is two evaluations of 12 FFTs and, between them, four real ones of the metric."""
    case = both[1]
    ledger = Ledger([budget], case.start)
    reached = ledger.run(lambda: by_lbfgs(case, ledger, budget, damping=0.3))[budget]
    assert (not np.array_equal(reached, case.start)) is is_moved


def test_plain_lbfgs_is_the_descent_that_ships(both):
    case = both[0]
    shipped_end = descend(case.start, case.problem().objective.value_and_gradient, iterations=5)
    reached = follow(by_lbfgs, case, (shipped_end.n_evaluations,))[shipped_end.n_evaluations]
    np.testing.assert_allclose(reached, shipped_end.unknowns, atol=1e-6)


def test_the_truth_itself_has_no_error(both):
    case = both[0]
    problem = case.problem()
    truth = case.start.copy()
    truth[0][problem.grid.window] = case.field.opd_nm / 100
    measures = row([look(case, problem, truth)])
    assert measures["flat_rmse_nm"] < 1
    assert measures["flat_mass_slope"] == pytest.approx(1, abs=0.02)
    empty = row([look(case, problem, case.start)])
    assert empty["flat_rmse_nm"] > 10
    assert empty["background_rmse_nm"] < 0.5
