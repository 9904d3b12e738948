"""Sentences: their numbers are those of the history."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hand_made import NORMS, path

from lensfree.anomaly.condensed import condense
from lensfree.anomaly.finding import Finding
from lensfree.anomaly.kinds import ACQUISITION, BIOLOGICAL, UNCLEAR
from lensfree.anomaly.wording import say


def finding(onset_h, stop_h=60.0, *, births_h=(8.0,), changed=None, daughters=0):
    rows = path(60.0, births_h=births_h, changed=changed)
    return Finding(condense(rows, NORMS), NORMS, onset_h, stop_h, daughters)


def held(from_h, factor, to_h=np.inf):
    """Return a history of 200 pg that is off by a factor for a time."""
    return lambda t, m: 200 * np.where((t >= from_h) & (t < to_h), factor, 1.0)


def test_every_kind_has_a_sentence_of_its_own_without_holes():
    dips = finding(15.0, changed=held(15.0, 0.2, 15.5))
    said = {kind: say(kind, dips) for kind in (*BIOLOGICAL, *ACQUISITION, UNCLEAR)}
    assert not any("nan" in sentence or sentence.endswith(".") for sentence in said.values())
    same = [("slow_growth", "fast_growth"), ("dry_mass_loss", "death")]
    assert all(said[a] == said[b] for a, b in same)
    assert len(set(said.values())) == len(said) - len(same)


def test_a_fusion_says_by_how_much_and_how_long_nothing_came():
    assert say("merge", finding(31.0, changed=held(31.0, 1.9))) == (
        "dry mass rose 1.90-fold within an hour at 31.0 h without a division, and the cell did not "
        "divide in the 29.0 h after"
    )


def test_a_jump_counts_the_divisions_after_it():
    once = finding(20.0, births_h=(8.0, 28.0), changed=held(20.0, 0.6))
    assert say("jump", once) == (
        "dry mass fell to 60 % of what it was within an hour at 20.0 h and stays off by such "
        "a factor for the 40.0 h after, across 1 division"
    )
    assert "across 2 divisions" in say("jump", finding(20.0, births_h=(8.0, 28.0, 48.0)))
    assert "across" not in say("jump", finding(20.0))


def test_a_wrong_outline_has_two_times():
    assert say("segmentation", finding(20.0, 25.0, changed=held(20.0, 1.5, 25.0))) == (
        "dry mass rose 1.50-fold at 20.0 h and came back at 25.0 h"
    )


def test_a_loss_says_from_what_to_what():
    assert say("dry_mass_loss", finding(20.0, changed=held(20.0, 0.5))) == (
        "from 20.0 h on dry mass fell from 200 to 100 pg, by 50 %, and the cell did not divide in the "
        "40.0 h after"
    )


def test_a_cell_that_left_is_not_judged_by_what_followed():
    left = finding(20.0, 30.0, changed=lambda t, m: np.select([t < 20, t < 30], [200.0, 80.0], 40.0))
    assert say("death", left) == (
        "from 20.0 h on dry mass fell from 200 to 80 pg, by 60 %, and its track went on along another "
        "cell at 30.0 h"
    )


def test_growth_is_that_of_the_cell_at_the_onset():
    slow = finding(8.0, changed=lambda t, m: np.where(t < 8, m, 130 * np.exp(0.011 * (t - 8))))
    assert say("slow_growth", slow) == (
        "the cell born at 8.0 h grew by 1.1 % per hour, where 3.5 % is usual, and had not divided "
        "after 52.0 h"
    )
    assert say("fast_growth", finding(0.0)) == (
        "the cell that was there at the start grew by 3.5 % per hour, where 3.5 % is usual, and "
        "divided after 8.0 h"
    )


def test_an_uneven_division_gives_the_share():
    third = finding(8.0, changed=lambda t, m: np.where(t < 8, 240.0, 80.0))
    assert say("abnormal_division", third) == (
        "at the division at 8.0 h the daughter got 33 % of the dry mass of the mother, where 50 % is usual"
    )
    many = finding(8.0, daughters=3, changed=lambda t, m: np.where(t < 8, 240.0, 80.0))
    assert say("abnormal_division", many).startswith("at the division into 3 daughters at 8.0 h")
    assert say("abnormal_division", finding(60.0, daughters=4)) == (
        "there was a division into 4 daughters at 60.0 h"
    )


def test_an_error_that_begins_with_a_cell_is_measured_against_her_mother():
    jump = finding(8.0, changed=lambda t, m: np.where(t < 8, 240.0, 180.0))
    assert say("jump", jump).startswith("dry mass rose 1.50-fold")


def test_a_plateau_names_the_usual_cycle_and_a_giant_the_usual_dry_mass():
    plateau = finding(28.0, changed=lambda t, m: np.minimum(m, 260.0))
    assert say("no_division", plateau) == (
        "dry mass stopped growing at 28.0 h (260, at last 260 pg) and the cell did not divide in the "
        "32.0 h after; cells here usually divide 20 h after birth"
    )
    giant = say("giant", finding(28.0, changed=lambda t, m: np.minimum(m, 600.0)))
    assert "reached 600 pg, where 95 % of the points of the population lie below 275 pg" in giant


def test_dips_are_counted():
    one = finding(15.0, changed=held(15.0, 0.25, 15.5))
    assert say("dropout", one) == (
        "1 dip of at most an hour, the first at 15.0 h, down to 25 % of the dry mass around"
    )
    two = finding(
        15.0,
        changed=lambda t, m: 200 * np.select([(t >= 15) & (t < 15.4), (t >= 40) & (t < 40.4)], [0.3, 0.1], 1),
    )
    assert re.match("2 dips .* first at 15.0 h, the deepest to 10 %", say("dropout", two))


def test_a_kind_without_a_sentence_is_refused():
    with pytest.raises(ValueError, match="kind='boredom' has no sentence; expected one of.*'swap'"):
        say("boredom", finding(3.0))
