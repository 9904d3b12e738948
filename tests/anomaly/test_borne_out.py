"""A kind is not named against the plain numbers of the history."""

from __future__ import annotations

import numpy as np
import pytest
from hand_made import NORMS, path

from lensfree.anomaly import reasons
from lensfree.anomaly.borne_out import is_borne_out
from lensfree.anomaly.condensed import condense
from lensfree.anomaly.finding import Finding
from lensfree.anomaly.kinds import Candidate
from lensfree.anomaly.reasons import explain_history

GROWS = path(30.0, births_h=())


def finding(changed=None, *, onset_h=10.0, stop_h=30.0):
    rows = path(30.0, births_h=(), changed=changed)
    return Finding(condense(rows, NORMS), NORMS, onset_h, stop_h)


def from_10_h(factor):
    return lambda time_h, dry_mass_pg: dry_mass_pg * np.where(time_h < 10, 1.0, factor)


@pytest.mark.parametrize("kind", ["dry_mass_loss", "death", "merge", "segmentation", "no_division"])
def test_a_cell_that_just_grows_shows_none_of_them(kind):
    assert not is_borne_out(kind, finding(stop_h=12.0 if kind == "segmentation" else 30.0))


@pytest.mark.parametrize(
    ("kind", "changed"),
    [
        ("dry_mass_loss", from_10_h(0.6)),
        ("death", from_10_h(0.3)),
        ("merge", from_10_h(2.0)),
        ("segmentation", from_10_h(1.6)),
        ("no_division", lambda t, m: np.minimum(m, 170.0)),
        ("slow_growth", lambda t, m: 0 * m + 130.0),
        ("fast_growth", lambda t, m: m**2 / 130.0),
    ],
)
def test_what_happened_is_borne_out(kind, changed):
    onset_h = 0.0 if "growth" in kind else 10.0
    assert is_borne_out(kind, finding(changed, onset_h=onset_h))


@pytest.mark.parametrize("kind", ["slow_growth", "fast_growth"])
def test_usual_growth_is_neither_slow_nor_fast(kind):
    assert not is_borne_out(kind, finding(onset_h=0.0))


def test_a_kind_about_which_plain_numbers_say_nothing_stands():
    assert is_borne_out("swap", finding()) and is_borne_out("unclear", finding())


def test_the_next_kind_is_told_where_numbers_speak_against_the_first(monkeypatch):
    normal = Candidate("unclear", np.zeros(1), np.zeros(1))
    surely_dead = Candidate("death", np.array([10.0]), np.array([50.0]))
    monkeypatch.setattr(reasons, "candidates", lambda expected: [normal, surely_dead])
    reason = explain_history(GROWS, NORMS)
    assert reason.kind == "unclear" and reason.probability < 1e-6
    assert explain_history(path(30.0, births_h=(), changed=from_10_h(0.3)), NORMS).kind == "death"
