"""Stacks that are made when they are looked at."""

import numpy as np
import pytest

from lensfree.view.lazy import LazyStack

SHAPE = (7, 4, 5)


@pytest.fixture
def asked():
    return []


@pytest.fixture
def stack(asked):
    def make(frame):
        asked.append(frame)
        return np.full(SHAPE[1:], frame) + np.arange(5)

    return LazyStack(make, SHAPE, np.float32, n_kept=2)


def test_nothing_is_made_before_it_is_asked_for(stack, asked):
    assert (stack.shape, stack.ndim, len(stack), stack.size) == (SHAPE, 3, 7, 140)
    assert stack.dtype == np.float32
    assert asked == []


@pytest.mark.parametrize(
    ("key", "frames"),
    [
        (3, [3]),
        (-1, [6]),
        (np.int64(2), [2]),
        ((4, slice(1, 3), 2), [4]),
        ((slice(5, 7), slice(None), slice(0, 2)), [5, 6]),
        ((slice(2, 2), slice(None), slice(None)), []),
        ((Ellipsis, 1), list(range(7))),
    ],
)
def test_an_index_gives_what_an_array_would_and_makes_those_frames_only(stack, asked, key, frames):
    whole = np.stack([np.full(SHAPE[1:], frame) + np.arange(5) for frame in range(7)]).astype(np.float32)
    got = stack[key]
    if frames:
        np.testing.assert_array_equal(got, whole[key])
    else:
        assert got.shape == (0, 4, 5)
    assert asked == frames


def test_the_last_frames_are_kept_and_older_ones_made_again(stack, asked):
    for frame in (0, 1, 0, 2, 0, 1):
        stack[frame]
    assert asked == [0, 1, 2, 1]
    assert stack.made == 4


def test_an_index_beyond_the_end_is_an_error(stack):
    with pytest.raises(IndexError):
        stack[7]


def test_as_an_array_it_is_whole(stack, asked):
    assert np.asarray(stack).shape == SHAPE
    assert np.asarray(stack, dtype=np.float64).dtype == np.float64


def test_a_frame_of_another_size_is_an_error():
    odd = LazyStack(lambda frame: np.zeros((4, 6)), SHAPE, np.float32)
    with pytest.raises(ValueError, match=r"frame 2 has shape \(4, 6\), expected \(4, 5\); .* run the stage"):
        odd[2]
