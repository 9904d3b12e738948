"""Step rules on functions whose minimum is known, and the ledger that counts their FFTs."""

import numpy as np
import pytest
from step_rules import Ledger, SpentError, conjugate_gradient, quasi_newton

SHAPE = (2, 6, 10)
FFTS = 12.0


class Quadratic:
    """A bowl with known curvatures and centre."""

    def __init__(self, condition=30.0, dtype=np.float64):
        self.curvature = np.geomspace(1, condition, int(np.prod(SHAPE))).reshape(SHAPE).astype(dtype)
        self.centre = np.random.default_rng(0).standard_normal(SHAPE).astype(dtype)
        self.n_evaluations = 0

    def __call__(self, unknowns):
        self.n_evaluations += 1
        offset = unknowns - self.centre
        return float(0.5 * np.sum(self.curvature * offset**2, dtype=np.float64)), self.curvature * offset

    def metric(self, gradient):
        return gradient / self.curvature


RULES = {
    "conjugate gradient": (conjugate_gradient, {"curvature": 0.1}),
    "its step kept": (conjugate_gradient, {"curvature": 0.4, "is_step_kept": True}),
    "any lower value": (conjugate_gradient, {"curvature": 0.9}),
    "quasi-Newton": (quasi_newton, {"first_step": 0.05}),
}


def follow(rule, function, evaluations, start=None, **knobs):
    start = np.zeros(SHAPE) if start is None else start
    ledger = Ledger([n * FFTS for n in evaluations], start)
    reached = ledger.run(lambda: rule(start, ledger.booked(function, FFTS), ledger, **knobs))
    return [reached[n * FFTS] for n in evaluations]


@pytest.mark.parametrize("name", RULES)
def test_a_bowl_is_descended_to_its_bottom(name):
    rule, knobs = RULES[name]
    bowl = Quadratic()
    (found,) = follow(rule, bowl, [300], **knobs)
    np.testing.assert_allclose(found, bowl.centre, atol=1e-4)


@pytest.mark.parametrize("name", RULES)
def test_more_ffts_never_make_the_value_larger(name):
    rule, knobs = RULES[name]
    bowl = Quadratic()
    values = [bowl(found)[0] for found in follow(rule, bowl, [2, 5, 20, 60], **knobs)]
    assert all(later <= earlier for earlier, later in zip(values, values[1:], strict=False))
    assert values[-1] < 1e-2 * bowl(np.zeros(SHAPE))[0]


@pytest.mark.parametrize("name", RULES)
def test_the_start_is_left_alone_and_single_precision_stays(name):
    rule, knobs = RULES[name]
    start = np.zeros(SHAPE, np.float32)
    (found,) = follow(rule, Quadratic(dtype=np.float32), [20], start, **knobs)
    np.testing.assert_array_equal(start, 0)
    assert found.dtype == np.float32


@pytest.mark.parametrize("rule", [conjugate_gradient, quasi_newton])
def test_the_exact_inverse_curvature_needs_two_evaluations(rule):
    bowl = Quadratic(condition=1e4)
    found, same = follow(rule, bowl, [2, 20], metric=bowl.metric)
    np.testing.assert_allclose(found, bowl.centre, atol=1e-9)
    np.testing.assert_allclose(same, bowl.centre, atol=1e-9)


def test_conjugate_directions_beat_steepest_descent():
    """Steepest descent gains a factor of ((c - 1) / (c + 1))^2 per step at best, c the condition number."""
    bowl = Quadratic(condition=100.0)
    (found,) = follow(conjugate_gradient, bowl, [81], curvature=0.1)
    steepest = ((100 - 1) / (100 + 1)) ** (2 * 80)
    assert bowl(found)[0] < 0.01 * steepest * bowl(np.zeros(SHAPE))[0]


def test_the_curved_valley_of_rosenbrock_is_followed_by_conjugate_gradients():
    def rosenbrock(unknowns):
        a, b = unknowns.ravel()
        gradient = np.array([-2 * (1 - a) - 400 * a * (b - a * a), 200 * (b - a * a)])
        return float((1 - a) ** 2 + 100 * (b - a * a) ** 2), gradient.reshape(unknowns.shape)

    start = np.array([-1.2, 1.0]).reshape(1, 1, 2)
    (found,) = follow(conjugate_gradient, rosenbrock, [400], start, first_step=1e-3)
    np.testing.assert_allclose(found.ravel(), [1, 1], atol=1e-3)


def test_the_minimum_itself_is_not_left():
    bowl = Quadratic()
    (found,) = follow(conjugate_gradient, bowl, [50], bowl.centre)
    np.testing.assert_array_equal(found, bowl.centre)
    assert bowl.n_evaluations == 1


@pytest.mark.parametrize("name", RULES)
def test_no_rule_spends_more_than_its_budget(name):
    rule, knobs = RULES[name]
    bowl = Quadratic(condition=1e3)
    follow(rule, bowl, [7], **knobs)
    assert bowl.n_evaluations == 7


def test_a_ledger_keeps_what_each_budget_paid_for():
    start = np.zeros((1, 2, 3))
    ledger = Ledger([10, 25, 90], start)

    def rule():
        for value in range(1, 4):
            ledger.spend(10)
            ledger.reach(start + value)

    reached = ledger.run(rule)
    assert {budget: float(a.max()) for budget, a in reached.items()} == {10: 1, 25: 2, 90: 3}
    assert ledger.ffts == 30


def test_a_ledger_keeps_iterates_that_a_rule_writes_over():
    moving = np.zeros((1, 2, 3))
    ledger = Ledger([10], moving)
    moving += 1
    assert ledger.run(lambda: None)[10].max() == 0


def test_a_ledger_refuses_what_it_has_no_room_for_and_books_nothing():
    ledger = Ledger([10], np.zeros((1, 2, 3)))
    calls = []
    call = ledger.booked(calls.append, 6)
    call(1)
    with pytest.raises(SpentError):
        call(2)
    assert calls == [1]
    assert ledger.ffts == 6


@pytest.mark.parametrize("budgets", [[], [-1.0, 5.0]])
def test_a_ledger_without_a_budget_says_so(budgets):
    with pytest.raises(ValueError, match="expected one or more numbers of FFTs"):
        Ledger(budgets, np.zeros((1, 2, 3)))
