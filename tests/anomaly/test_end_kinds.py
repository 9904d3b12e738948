"""What becomes of a last cell that does not divide: kind and onset from hand-made ends."""

from __future__ import annotations

import numpy as np
import pytest
from hand_made import NORMS, RATE_PER_H, path
from scipy.special import logsumexp

from lensfree.anomaly.condensed import condense
from lensfree.anomaly.end_kinds import died_and_left, fused, without_division
from lensfree.anomaly.expectation import expect
from lensfree.anomaly.kinds import log_lives
from lensfree.anomaly.unmarked import log_probability_after


def parts(rows):
    history = condense(rows, NORMS)
    expected = expect(history, NORMS)
    return expected, log_lives(history, expected)


def weigh(candidates):
    kinds = {candidate.kind for candidate in candidates}
    return {kind: logsumexp(np.concatenate([c.gain for c in candidates if c.kind == kind])) for kind in kinds}


def onset_of(candidates, kind):
    best = max((c for c in candidates if c.kind == kind), key=lambda c: c.gain.max())
    return best.onset_h[best.gain.argmax()]


def ends(onset_h, gain, tau_h):
    """Return a change after which growth stops and dry mass tends to 1 + gain."""

    def change(time_h, dry_mass_pg):
        since_h = np.maximum(time_h - onset_h, 0)
        return dry_mass_pg * np.exp(-RATE_PER_H * since_h) * (1 + gain * (1 - np.exp(-since_h / tau_h)))

    return change


@pytest.mark.parametrize(
    ("kind", "onset_h", "gain", "tau_h"),
    [
        ("no_division", 28.0, 0.02, 4.0),
        ("dry_mass_loss", 20.0, -0.3, 3.0),
        ("death", 20.0, -0.65, 4.0),
        ("giant", 28.0, 1.2, 15.0),
    ],
)
@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_each_end_is_told_from_the_others(kind, onset_h, gain, tau_h, noise):
    rows = path(60.0, births_h=(8.0,), changed=ends(onset_h, gain, tau_h), noise=noise, seed=8)
    expected, lives = parts(rows)
    found = without_division(expected, lives) + fused(expected, lives)
    weights = weigh(found)
    assert max(weights, key=weights.__getitem__) == kind
    assert weights[kind] > lives.sum() + 10
    assert onset_of(found, kind) == pytest.approx(onset_h, abs=2.5 if kind == "giant" else 2.0)


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_a_cell_that_fuses_is_twice_as_heavy_and_stops_at_division_time(noise):
    def fuse(time_h, dry_mass_pg):
        other_pg = 130 * np.exp(RATE_PER_H * 3)
        grown = 130 * np.exp(RATE_PER_H * np.minimum(time_h - 8, 20))
        return np.where(time_h < 8, dry_mass_pg, grown + other_pg * (time_h >= 11))

    expected, lives = parts(path(60.0, births_h=(8.0,), changed=fuse, noise=noise, seed=8))
    found = without_division(expected, lives) + fused(expected, lives)
    weights = weigh(found)
    assert max(weights, key=weights.__getitem__) == "merge"
    assert onset_of(found, "merge") == pytest.approx(11, abs=0.6)


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_a_giant_from_the_start_begins_with_the_history(noise):
    def huge(time_h, dry_mass_pg):
        return 2.1 * 160 * np.exp(RATE_PER_H * np.minimum(time_h, 9.0))

    rows = path(50.0, births_h=(), changed=huge, noise=noise, seed=8)
    expected, lives = parts(rows)
    found = without_division(expected, lives)
    weights = weigh(found)
    assert max(weights, key=weights.__getitem__) == "giant"
    assert "no_division" not in weights
    assert onset_of(found, "giant") == 0.0


def test_a_plateau_at_the_usual_dry_mass_is_no_giant():
    expected, lives = parts(path(60.0, births_h=(8.0,), changed=ends(28.0, 0.0, 1.0)))
    assert "giant" not in weigh(without_division(expected, lives))


def test_a_cell_that_dies_and_leaves_has_the_onset_of_its_death():
    other = path(60.0, births_h=(22.0, 42.0))["dry_mass_pg"].to_numpy()
    dies = ends(18.0, -0.6, 3.0)

    def gone(time_h, dry_mass_pg):
        return np.where(time_h < 27, dies(time_h, dry_mass_pg), other)

    expected, lives = parts(path(60.0, births_h=(8.0,), changed=gone, noise=0.08, seed=4))
    after = log_probability_after(expected.history, NORMS)
    found = died_and_left(expected, lives, after)
    best = max(found, key=lambda candidate: candidate.gain.max())
    at = best.gain.argmax()
    assert best.onset_h[at] == pytest.approx(18, abs=1.5)
    assert best.stop_h[at] == pytest.approx(27, abs=1.1)
    assert weigh(found)["death"] > lives.sum() + 50
    assert weigh(found)["death"] > max(weigh(without_division(expected, lives)).values())


def test_a_normal_end_gains_nothing():
    expected, lives = parts(path(60.0, noise=0.08, seed=4))
    after = log_probability_after(expected.history, NORMS)
    found = without_division(expected, lives) + fused(expected, lives) + died_and_left(expected, lives, after)
    assert max(weigh(found).values()) < lives.sum()


@pytest.mark.parametrize("hours", [48.2, 48.6, 49.2, 50.2])
def test_a_last_cell_of_few_points_can_hardly_be_judged(hours):
    expected, lives = parts(path(hours, noise=0.08, seed=4))
    after = log_probability_after(expected.history, NORMS)
    for candidate in [
        *without_division(expected, lives),
        *fused(expected, lives),
        *died_and_left(expected, lives, after),
    ]:
        assert np.isfinite(candidate.gain).all()
        assert candidate.gain.max(initial=-np.inf) < lives.sum() + 1
