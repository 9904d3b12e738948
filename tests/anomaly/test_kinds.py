"""What all kinds share: names, priors, ages and how long lives last."""

from __future__ import annotations

import numpy as np
import pytest
from hand_made import NORMS, path

from lensfree.anomaly.condensed import condense
from lensfree.anomaly.expectation import expect
from lensfree.anomaly.kinds import ACQUISITION, BIOLOGICAL, UNCLEAR, ages_h, log_lives, shared
from lensfree.anomaly.unmarked import log_cycle, log_remaining, log_survival
from lensfree.simulate.series import KINDS


def lives_of(births_h, factor=1.0, hours=60.0):
    history = condense(path(hours, births_h=births_h), NORMS)
    return log_lives(history, expect(history, NORMS), factor)


def test_kinds_are_told_apart():
    names = [*BIOLOGICAL, *ACQUISITION, UNCLEAR]
    assert len(set(names)) == len(names) == 13
    both = {"asymmetric_division", "three_way_division"}
    assert set(KINDS) - both == set(names) - {"abnormal_division", UNCLEAR}


def test_first_inner_and_last_lives_count_as_what_was_seen_of_them():
    births_h = (8.0, 28.0, 48.0)
    expected = [
        log_remaining(np.array(8.0), NORMS),
        *log_cycle(np.array([20.0, 20.0]), NORMS),
        log_survival(np.array(12.0), NORMS),
    ]
    assert lives_of(births_h) == pytest.approx(expected)
    assert lives_of(()) == pytest.approx([log_remaining(np.array(60.0), NORMS)])


def test_a_short_life_speaks_for_fast_cells_and_a_long_one_for_slow_ones():
    short, long = (8.0, 18.0, 38.0), (8.0, 46.0)
    assert lives_of(short, 0.5)[1] > lives_of(short)[1] + 3
    assert lives_of(long, 2.0)[1] > lives_of(long)[1] + 3


def test_priors_are_shared():
    assert np.exp(shared(np.zeros(8), 2)).sum() == pytest.approx(0.5)
    assert shared(np.empty(0)).size == 0


def test_a_cell_ages_while_it_lives():
    expected = expect(condense(path(60.0), NORMS), NORMS)
    ages = ages_h(expected)
    assert ages.shape == (len(expected.row_h), 4)
    assert (ages[expected.row_h > 28, 1] == 20.0).all()
    assert (ages[expected.row_h <= 8, 1] == 0.0).all()
    assert ages.sum(axis=1) == pytest.approx(expected.row_h)
