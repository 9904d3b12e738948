"""The distance followed through a chunk of frames."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest

from lensfree.config import FocusConfig, OpticsConfig, ReconstructConfig
from lensfree.optics.hologram import Channel
from lensfree.optics.plate import moved
from lensfree.stages.distance import DistanceFinder
from lensfree.stages.z_drift import follow

HERE = [Channel(640.0, 1000.0), Channel(450.0, 1000.0, 4.0, -2.0)]


@dataclass(frozen=True)
class Told(DistanceFinder):
    """A finder to which the 'hologram' says its distance; NaN where it finds none."""

    asked: list = field(default_factory=list)

    def settle(self, intensity, channels, saturated=None):
        z_um = float(intensity.mean())
        self.asked.append(z_um)
        return moved(channels, z_um - channels[0].z_um) if np.isfinite(z_um) else None


def chunk(z_um, first_frame=48, missing=()):
    """Return a stack whose frames say their distance."""
    return SimpleNamespace(
        first_frame=first_frame,
        is_missing=np.isin(np.arange(len(z_um)), missing),
        read=lambda frame: np.full((2, 80, 90), z_um[frame - first_frame], np.float32),
        read_saturated=lambda frame: np.zeros((2, 80, 90), bool),
    )


def told():
    return Told(1.67, OpticsConfig(), FocusConfig(), ReconstructConfig(device="cpu"))


def followed(source, n, finder=None):
    channels_at = follow(source, HERE, finder or told())
    return np.array([channels_at(index)[0].z_um for index in range(n)])


def test_a_steady_drift_is_followed_frame_by_frame():
    z_um = 1003.0 + 0.4 * np.arange(21)
    finder = told()
    np.testing.assert_allclose(followed(chunk(z_um), 21, finder), z_um, atol=1e-3)
    assert len(finder.asked) == 3


def test_shifts_follow_too():
    channels = follow(chunk(np.full(6, 1100.0)), HERE, told())(3)
    assert channels == moved(HERE, 100.0) and channels[1].shift_y_um == pytest.approx(4.4)


def test_missing_frames_are_not_asked():
    z_um = 1000.0 + np.arange(12)
    z_um[[0, 1, 11]] = 5.0
    finder = told()
    found_um = followed(chunk(z_um, missing=(0, 1, 11)), 12, finder)
    assert min(finder.asked) > 900
    np.testing.assert_allclose(found_um[2:11], z_um[2:11], atol=1e-3)


@pytest.mark.parametrize("which", [0, 5, 9])
def test_a_sampled_frame_out_of_focus_does_not_bend_the_rest(which):
    z_um = np.full(10, 1002.0)
    z_um[which] = 1020.0
    np.testing.assert_allclose(followed(chunk(z_um), 10), 1002.0, atol=1e-3)


@pytest.mark.parametrize("which", [0, 5, 9])
def test_a_sampled_frame_without_a_focus_leaves_it_to_the_others(which):
    z_um = np.full(10, 1002.0)
    z_um[which] = np.nan
    np.testing.assert_allclose(followed(chunk(z_um), 10), 1002.0, atol=1e-3)


def test_without_any_focus_the_acquisitions_distance_stays():
    np.testing.assert_array_equal(followed(chunk(np.full(5, np.nan)), 5), 1000.0)
    np.testing.assert_array_equal(followed(chunk(np.full(5, 990.0), missing=range(5)), 5), 1000.0)


def test_a_chunk_of_one_frame_is_asked_unless_it_is_the_first():
    np.testing.assert_allclose(followed(chunk([1005.0]), 1), 1005.0)
    finder = told()
    np.testing.assert_array_equal(followed(chunk([1005.0], first_frame=0), 1, finder), 1000.0)
    assert finder.asked == []
