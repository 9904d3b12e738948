"""The displacement of a field between two frames: the true one, or none where there is nothing to see."""

import numpy as np
import pytest

from lensfree.tracks.displacement import MIN_CELLS, OwnSteps, find_displacement

FIELD_UM = np.array([300.0, 450.0])
STEP_SD_UM = 2.4
OWN = OwnSteps(STEP_SD_UM, log_mass_change_sd=0.15, log_mass_difference_sd=0.5)
LIMIT_UM = 40.0


def cells(rng, n):
    """Cells of random place and dry mass."""
    return np.column_stack([rng.random((n, 2)) * FIELD_UM, rng.normal(5.7, 0.35, n)])


def later(rng, before, step_um=(0.0, 0.0), log_mass_change_sd=0.15):
    """The same cells in another order after own steps and a displacement of all."""
    n = len(before)
    own = np.column_stack(
        [STEP_SD_UM * rng.standard_normal((n, 2)), log_mass_change_sd * rng.standard_normal(n)]
    )
    return rng.permutation(before + own + np.array([*step_um, 0.0]))


@pytest.mark.parametrize("n", [15, 60, 400])
@pytest.mark.parametrize("step_um", [(-7.2, 9.6), (18.0, 24.0), (3.0, -37.0)])
def test_the_truth_is_found_within_its_standard_error(n, step_um):
    rng = np.random.default_rng(n)
    before = cells(rng, n)
    found = find_displacement(before, later(rng, before, step_um), OWN, limit_um=LIMIT_UM)
    assert found.is_certain and found.has_moved
    # 3.7 standard errors of a 2-D mean are exceeded once in a thousand; at most 250 cells are asked
    assert np.hypot(*(found.vector_um - step_um)) < 3.7 * STEP_SD_UM / min(n, 250) ** 0.5
    assert found.sd_um == pytest.approx(STEP_SD_UM, rel=0.3)
    if n == 400:
        assert found.log_mass_change_sd == pytest.approx(0.15, rel=0.25)


@pytest.mark.parametrize("n", [15, 60, 400])
def test_own_steps_are_no_displacement(n):
    rng = np.random.default_rng(n)
    for _ in range(60):
        before = cells(rng, n)
        found = find_displacement(before, later(rng, before), OWN, limit_um=LIMIT_UM)
        assert found.is_certain and not found.has_moved


@pytest.mark.parametrize("n", [8, 60, 400])
def test_frames_that_have_nothing_to_do_with_each_other_say_nothing(n):
    rng = np.random.default_rng(n)
    for _ in range(60):
        found = find_displacement(cells(rng, n), cells(rng, n), OWN, limit_um=LIMIT_UM)
        assert found is None or not (found.is_certain or found.has_moved)


def test_a_displacement_beyond_the_limit_is_not_taken():
    rng = np.random.default_rng(2)
    before = cells(rng, 60)
    after = later(rng, before, (30.0, 40.0))
    assert not find_displacement(before, after, OWN, limit_um=40.0).is_certain
    assert find_displacement(before, after, OWN, limit_um=60.0).has_moved


def test_fewer_than_five_cells_say_nothing():
    rng = np.random.default_rng(3)
    before = cells(rng, 30)
    for some in (before[: MIN_CELLS - 1], before[:0]):
        assert find_displacement(some, before, OWN, limit_um=LIMIT_UM) is None
        assert find_displacement(before, some, OWN, limit_um=LIMIT_UM) is None
    far = before + np.array([500.0, 0.0, 0.0])
    assert find_displacement(before, far, OWN, limit_um=LIMIT_UM) is None


def test_alike_dry_masses_decide_where_places_do_not():
    """Few cells in a small crowded field: with their masses the displacement is certain more often."""

    def times_moved(own):
        rng = np.random.default_rng(4)
        times = 0
        for _ in range(60):
            before = cells(rng, 7) * [0.3, 0.3, 1.0]
            found = find_displacement(before, later(rng, before, (-18.0, 24.0)), own, limit_um=LIMIT_UM)
            times += found is not None and found.has_moved
        return times

    assert times_moved(OWN) > times_moved(OwnSteps(STEP_SD_UM)) + 10


@pytest.mark.parametrize("guess_um", [1.0, 8.0])
def test_own_steps_that_are_not_known_are_learnt_although_the_field_jumped(guess_um):
    rng = np.random.default_rng(5)
    before = cells(rng, 200)
    found = find_displacement(
        before, later(rng, before, (12.0, 5.0)), OwnSteps(guess_um, is_known=False), limit_um=LIMIT_UM
    )
    assert found.has_moved and found.sd_um == pytest.approx(STEP_SD_UM, rel=0.15)
