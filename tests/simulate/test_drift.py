"""The slow background has the sd asked for, is slow in space and time, and has no seams."""

import numpy as np
import pytest

from lensfree.simulate.drift import PERIOD_UM, draw_drift

SHAPE_YX, PITCH_UM = (100, 155), 6.7


def test_sd_over_many_backgrounds_is_as_asked():
    squares = [
        (draw_drift(np.random.default_rng(seed), 12.0).at(seed, SHAPE_YX, PITCH_UM) ** 2).mean()
        for seed in range(40)
    ]
    assert np.mean(squares) ** 0.5 == pytest.approx(12.0, rel=0.1)


def test_it_is_slow_in_space_and_time():
    drift = draw_drift(np.random.default_rng(1), 12.0)
    now, soon = (drift.at(time_h, SHAPE_YX, PITCH_UM) for time_h in (5.0, 5.0 + 1 / 6))
    steepest = np.abs(np.diff(now, axis=1)).max() / PITCH_UM
    assert steepest < 2 * np.pi / PERIOD_UM[0] * drift.amplitude_nm.sum()
    assert 0 < np.abs(soon - now).max() < 0.15 * drift.amplitude_nm.sum()
    assert np.abs(drift.at(15.0, SHAPE_YX, PITCH_UM) - now).max() > 5.0


def test_none_is_none():
    assert not draw_drift(np.random.default_rng(1), 0.0).at(3.0, (20, 30), PITCH_UM).any()
