"""The prediction that steps are measured from: velocities that decay, masses that are averaged."""

from types import SimpleNamespace

import numpy as np
import pytest

from lensfree.tracks.motion import MASS_JUMP, MASS_MEMORY, MotionPredictor


def point(track, frame, y_um, x_um, log_mass_um=0.0):
    return SimpleNamespace(track=SimpleNamespace(id=track), t=frame, pos=np.array([y_um, x_um, log_mass_um]))


def test_a_new_track_is_expected_where_it_is():
    predict = MotionPredictor(persistence=0.8, log_mass_weight_um=10.0)
    assert predict(1, [point(0, 0, 5.0, 7.0, 50.0)]).tolist() == [[5.0, 7.0, 50.0]]


def test_a_straight_walk_is_continued_by_the_persistence():
    predict = MotionPredictor(persistence=0.5, log_mass_weight_um=10.0)
    for frame in range(6):
        predicted = predict(frame + 1, [point(3, frame, 2.0 * frame, -4.0 * frame)])
    np.testing.assert_allclose(predicted[0], [10.0 + 0.5 * 2.0, -20.0 - 0.5 * 4.0, 0.0])


def test_across_missed_frames_the_velocity_decays():
    predict = MotionPredictor(persistence=0.5, log_mass_weight_um=10.0)
    predict(1, [point(0, 0, 0.0, 0.0)])
    for frame, reach in ((2, 0.5), (3, 0.75), (4, 0.875)):  # the same point, remembered
        assert predict(frame, [point(0, 1, 8.0, 0.0)])[0, 0] == pytest.approx(8.0 + 8.0 * reach)


def test_a_step_across_missed_frames_is_a_velocity_per_frame():
    predict = MotionPredictor(persistence=1.0, log_mass_weight_um=10.0)
    predict(1, [point(0, 0, 0.0, 0.0)])
    assert predict(4, [point(0, 3, 9.0, 0.0)])[0, 0] == pytest.approx(9.0 + 3.0, rel=0.02)


def test_noise_of_mass_is_averaged_and_a_division_is_believed():
    weight_um = 10.0
    predict = MotionPredictor(persistence=0.0, log_mass_weight_um=weight_um)
    predict(1, [point(0, 0, 0, 0, 60.0)])
    assert predict(2, [point(0, 1, 0, 0, 62.0)])[0, 2] == pytest.approx(60.0 + MASS_MEMORY * 2.0)
    halved = 60.0 - weight_um * np.log(2)
    assert weight_um * np.log(2) > weight_um * MASS_JUMP
    assert predict(3, [point(0, 2, 0, 0, halved)])[0, 2] == pytest.approx(halved)


def test_tracks_do_not_share_anything_and_there_may_be_many():
    predict = MotionPredictor(persistence=1.0, log_mass_weight_um=10.0)
    tracks = np.arange(0, 5000, 7)
    predict(1, [point(int(k), 0, 0.0, 0.0, float(k)) for k in tracks])
    predicted = predict(2, [point(int(k), 1, float(k), 0.0, float(k)) for k in tracks[::-1]])
    np.testing.assert_allclose(predicted[:, 0], 2 * tracks[::-1], rtol=0.02)
    np.testing.assert_allclose(predicted[:, 2], tracks[::-1])


def test_no_points_no_predictions():
    assert MotionPredictor(0.5, 10.0)(1, []).shape == (0, 3)
