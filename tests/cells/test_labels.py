"""Label images: discs, their borders, and no cell without a pixel."""

import numpy as np
import pytest

from lensfree.cells.labels import draw_frames, draw_labels

SHAPE_YX = (21, 34)


def test_a_lone_cell_is_the_disc_around_its_centre():
    image = draw_labels(np.array([[9.3, 20.6]]), np.array([5]), SHAPE_YX, 4.2)
    y, x = np.indices(SHAPE_YX)
    np.testing.assert_array_equal(image, 5 * (np.hypot(y - 9.3, x - 20.6) <= 4.2))


def test_where_discs_overlap_the_nearer_centre_wins():
    centres_px = np.array([[10.0, 12.2], [11.5, 17.0], [4.0, 14.0]])
    image = draw_labels(centres_px, np.array([3, 1, 8]), SHAPE_YX, 5.0)
    y, x = np.indices(SHAPE_YX)
    distance = np.hypot(*(g[..., None] - c for g, c in zip((y, x), centres_px.T, strict=True)))
    nearest = np.array([3, 1, 8])[distance.argmin(axis=-1)]
    np.testing.assert_array_equal(image, np.where(distance.min(axis=-1) <= 5.0, nearest, 0))


@pytest.mark.parametrize(
    ("centres_px", "radius_px"),
    [
        pytest.param([[5.5, 5.5], [12.0, 30.0]], 0.3, id="discs smaller than a pixel"),
        pytest.param([[-6.0, 3.0], [10.0, 60.0], [25.0, 40.0]], 3.0, id="centres outside of the field"),
        pytest.param([[8.0, 8.0]] * 9, 3.0, id="nine cells at one place"),
        pytest.param([[8.0, 8.0]] * 9, 0.1, id="nine small cells at one place"),
        pytest.param([[0.0, 0.0], [0.0, 0.1], [0.1, 0.0], [0.0, 0.2]], 1.0, id="in a corner"),
    ],
)
def test_every_cell_owns_a_pixel(centres_px, radius_px):
    labels = np.arange(1, len(centres_px) + 1) * 7
    image = draw_labels(np.array(centres_px), labels, SHAPE_YX, radius_px)
    assert set(np.unique(image)) - {0} == set(labels.tolist())


def test_a_cell_without_a_pixel_takes_the_nearest_one_that_can_be_spared():
    image = draw_labels(np.array([[6.0, 6.0], [6.0, 6.0]]), np.array([1, 2]), SHAPE_YX, 0.2)
    assert image[6, 6] == 1
    assert np.argwhere(image == 2).tolist() == [[5, 6]]
    outside = draw_labels(np.array([[-4.0, 12.0]]), np.array([3]), SHAPE_YX, 2.0)
    assert np.argwhere(outside).tolist() == [[0, 12]]


def test_a_full_field_takes_as_many_cells_as_pixels_and_no_more():
    image = draw_labels(np.zeros((6, 2)), np.arange(1, 7), (2, 3), 1.0)
    assert sorted(image.ravel().tolist()) == [1, 2, 3, 4, 5, 6]
    with pytest.raises(ValueError, match="got 7 cells in a field of 2 x 3 pixels, expected at most one"):
        draw_labels(np.zeros((7, 2)), np.arange(1, 8), (2, 3), 1.0)


def test_frames_come_one_by_one_and_empty_ones_too():
    frame = np.array([1, 1, 3])
    centres_px = np.array([[5.0, 5.0], [15.0, 25.0], [5.0, 20.0]])
    images = list(draw_frames(frame, centres_px, np.array([1, 2, 1]), 5, SHAPE_YX, 2.0))
    assert [sorted(set(image.ravel().tolist()) - {0}) for image in images] == [[], [1, 2], [], [1], []]
    assert images[3][5, 20] == 1


def test_no_cells_at_all_are_empty_images():
    images = draw_frames(np.empty(0, np.int64), np.empty((0, 2)), np.empty(0, np.int64), 2, SHAPE_YX, 2.0)
    assert [(image.shape, image.any()) for image in images] == [(SHAPE_YX, False)] * 2
