"""Walks have the wanted speed and persistence, cells make room, walls hold."""

import numpy as np
import pytest

from lensfree.simulate.motion import (
    PERSISTENCE_H,
    Walls,
    draw_speeds,
    draw_together,
    push_apart,
    push_elongated,
    step_velocity,
)


def test_speeds_spread_but_keep_the_mean_square():
    speeds = draw_speeds(np.random.default_rng(0), 40000, 20.0)
    assert np.sqrt((speeds**2).mean()) == pytest.approx(20.0, rel=0.02)
    assert np.log(speeds).std() == pytest.approx(0.35, rel=0.02)


def test_velocity_keeps_its_rms_and_forgets_after_the_persistence():
    rng = np.random.default_rng(1)
    speed = np.full(20000, 20.0)
    start = velocity = speed[:, None] / 2**0.5 * rng.standard_normal((20000, 2))
    for _ in range(6):
        velocity = step_velocity(rng, velocity, speed, 1 / 6)
    assert np.sqrt((velocity**2).sum(axis=1).mean()) == pytest.approx(20.0, rel=0.02)
    memory = (velocity * start).sum() / (start**2).sum()
    assert memory == pytest.approx(np.exp(-1.0 / PERSISTENCE_H), abs=0.02)


def test_two_that_overlap_move_apart_by_the_share_asked_for():
    position = np.array([[0.0, 0.0], [6.0, 8.0]])
    moved = push_apart(position, np.array([10.0, 10.0]), strength=0.5)
    np.testing.assert_allclose(moved[1], 0.25 * 10.0 * np.array([0.6, 0.8]))
    np.testing.assert_allclose(moved[0], -moved[1])


def test_those_far_apart_and_partners_do_not_push():
    far = np.array([[0.0, 0.0], [0.0, 21.0]])
    near = np.array([[0.0, 0.0], [0.0, 5.0]])
    radius = np.array([10.0, 10.0])
    assert not push_apart(far, radius, strength=0.5).any()
    assert not push_apart(near, radius, strength=0.5, partner=np.array([1, 0])).any()
    assert not push_apart(near[:1], radius[:1], strength=0.5).any()


def test_round_cells_made_of_three_discs_are_not_thrown_apart():
    position = np.array([[0.0, 0.0], [0.0, 8.0]])
    size = np.array([12.0, 12.0])
    moved, _ = push_elongated(position, np.zeros(2), size, size, strength=0.5)
    assert moved[1, 1] - moved[0, 1] == pytest.approx(8.0 + 0.5 * 4.0)


def test_a_push_on_the_end_turns_an_elongated_cell_away():
    # A long cell along x; a round one presses from above (smaller y) on its right end.
    position = np.array([[0.0, 0.0], [-8.0, 20.0]])
    length, width = np.array([50.0, 10.0]), np.array([10.0, 10.0])
    moved, angle = push_elongated(position, np.array([0.0, 0.0]), length, width, strength=0.5)
    assert moved[0, 0] > 0 > moved[1, 0] + 8.0
    assert angle[0] > 0  # the right end goes down, y grows


def test_walls_fold_positions_back():
    walls = Walls((100.0, 200.0), 10.0)
    inside = np.array([[-10.0, -10.0], [50.0, 210.0], [110.0, 0.0]])
    np.testing.assert_allclose(walls.reflect(inside), inside)
    np.testing.assert_allclose(walls.reflect(np.array([[-13.0, 214.0]])), [[-7.0, 206.0]])
    assert walls.area_mm2 == pytest.approx(120 * 220 / 1e6)
    drawn = walls.draw(np.random.default_rng(2), 500)
    assert drawn.min() >= -10 and (drawn <= [110.0, 210.0]).all()


def test_partners_meet_and_others_stay():
    position = np.array([[0.0, 0.0], [50.0, 50.0], [10.0, 0.0]])
    moved = draw_together(position, np.array([2, -1, 0]), np.ones(3))
    np.testing.assert_allclose(moved, [[5.0, 0.0], [50.0, 50.0], [5.0, 0.0]])
