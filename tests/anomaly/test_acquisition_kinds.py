"""Errors of the measurement: where they are most probable, and that repairing them is what is weighed."""

from __future__ import annotations

import numpy as np
import pytest
from hand_made import NORMS, path
from scipy.special import logsumexp

from lensfree.anomaly.acquisition_kinds import (
    BOX,
    BOX_SD,
    JUMP,
    JUMP_SD,
    lost_looks,
    other_cell,
    wrong_by_a_factor,
)
from lensfree.anomaly.condensed import condense
from lensfree.anomaly.expectation import expect
from lensfree.anomaly.kinds import log_lives, shared
from lensfree.anomaly.unmarked import log_probability_after


def parts(rows):
    history = condense(rows, NORMS)
    expected = expect(history, NORMS)
    return expected, log_lives(history, expected)


def best(candidates, kind):
    chosen = [candidate for candidate in candidates if candidate.kind == kind]
    top = max(chosen, key=lambda candidate: candidate.gain.max())
    at = int(top.gain.argmax())
    stop_h = None if top.stop_h is None else top.stop_h[at]
    return top.onset_h[at], stop_h, logsumexp(np.concatenate([candidate.gain for candidate in chosen]))


@pytest.mark.parametrize("factor", [0.65, 1.5])
@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_a_jump_is_found_where_it_is(factor, noise):
    rows = path(60.0, noise=noise, seed=5, changed=lambda t, m: m * np.where(t > 21.4, factor, 1))
    expected, lives = parts(rows)
    found = wrong_by_a_factor(expected, lives)
    onset_h, stop_h, gain = best(found, "jump")
    assert onset_h == pytest.approx(21.5, abs=1.0)
    assert stop_h is None
    assert gain > lives.sum() + 8
    assert gain > best(found, "segmentation")[2]


@pytest.mark.parametrize("factor", [0.6, 1.6])
@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_a_wrong_outline_has_a_beginning_and_an_end(factor, noise):
    rows = path(
        60.0, noise=noise, seed=5, changed=lambda t, m: m * np.where((t > 31.4) & (t < 36.4), factor, 1)
    )
    expected, lives = parts(rows)
    found = wrong_by_a_factor(expected, lives)
    onset_h, stop_h, gain = best(found, "segmentation")
    assert (onset_h, stop_h) == pytest.approx((31.5, 36.5), abs=0.6)
    assert gain > max(lives.sum(), best(found, "jump")[2]) + 8


def test_the_quick_gains_are_those_of_the_shapes():
    expected, lives = parts(path(40.0, noise=0.1, seed=2))
    found = wrong_by_a_factor(expected, lives)
    bins = expected.history.start_h
    jump = next(candidate for candidate in found if candidate.kind == "jump")
    shape = (expected.row_h[:, None] >= jump.onset_h) & ~expected.is_birth[:, None]
    direct = expected.gain(shape.astype(float), -JUMP, JUMP_SD)
    assert jump.gain == pytest.approx(shared(direct, 2) + lives.sum())
    box = [candidate for candidate in found if candidate.kind == "segmentation"][1]
    at = np.arange(0, len(box.gain), 97)
    row_start_h = np.full(len(expected.row_h), -1.0)
    row_start_h[expected.rows_of_bins] = bins
    inside = (row_start_h[:, None] >= box.onset_h[at]) & (row_start_h[:, None] < box.stop_h[at])
    direct = expected.gain(inside.astype(float), BOX, BOX_SD)
    assert box.gain[at] == pytest.approx(direct - np.log(2 * len(box.gain)) + lives.sum())


def test_wrong_outlines_last_between_an_hour_and_a_cycle():
    expected, lives = parts(path(60.0))
    for candidate in wrong_by_a_factor(expected, lives):
        if candidate.stop_h is not None:
            lasts_h = candidate.stop_h - candidate.onset_h
            assert lasts_h.min() >= 1.2 and lasts_h.max() <= 20
            assert candidate.onset_h.min() > 0


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_a_swap_to_a_cell_whose_divisions_are_not_marked(noise):
    other = path(60.0, births_h=(19.0, 39.0))["dry_mass_pg"].to_numpy()
    rows = path(60.0, changed=lambda t, m: np.where(t > 22.4, other, m), noise=noise, seed=1)
    expected, lives = parts(rows)
    after = log_probability_after(expected.history, NORMS)
    onset_h, _, gain = best(other_cell(expected, lives, after), "swap")
    # At the time of the swap the other cell is 3 h old, this one 14 h: the level falls.
    assert onset_h == pytest.approx(22.5, abs=1.5)
    assert gain > best(wrong_by_a_factor(expected, lives), "jump")[2] + 5
    assert gain > lives.sum() + 20


def test_a_swap_after_which_tracking_follows_the_other_cell():
    other = path(60.0, births_h=(19.0, 39.0))
    rows = path(60.0)
    is_later = rows["time_h"].to_numpy() > 22.4
    rows = rows.assign(
        dry_mass_pg=np.where(is_later, other["dry_mass_pg"], rows["dry_mass_pg"]),
        cell_id=np.where(is_later, other["cell_id"], rows["cell_id"]),
    )
    expected, lives = parts(rows)
    after = log_probability_after(expected.history, NORMS)
    onset_h, _, gain = best(other_cell(expected, lives, after), "swap")
    assert onset_h == pytest.approx(22.5, abs=1.5)
    assert gain > lives.sum() + 3


def test_lost_looks_are_told_by_their_dips():
    rows = path(40.0, changed=lambda t, m: m * np.where((t > 15.1) & (t < 15.6), 0.3, 1.0))
    expected, lives = parts(rows)
    (found,) = lost_looks(expected, lives)
    assert found.kind == "dropout"
    assert found.onset_h == pytest.approx([15 + 1 / 6])
    assert found.gain == pytest.approx([expected.history.dips_gain + lives.sum()])
    assert lost_looks(*parts(path(40.0))) == []
