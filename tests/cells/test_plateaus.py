import numpy as np
import pytest
from skimage.morphology import local_maxima as scikit_maxima

from lensfree.cells.plateaus import local_maxima, plateau_maxima

SHAPE_YX = (17, 29)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (["00000", "01200", "00000"], ["00000", "00100", "00000"]),
        (["00000", "02200", "00020"], ["00000", "01100", "00010"]),  # one plateau round a corner
        (["00000", "02200", "00230"], ["00000", "00000", "00010"]),  # ... that touches a higher pixel
        (["22222", "20002", "22223"], ["00000", "00000", "00001"]),  # far from where it began
        (["22222", "20002", "22222"], ["11111", "10001", "11111"]),
        (["30003", "00000", "30003"], ["10001", "00000", "10001"]),
        (["44444", "44444", "44444"], ["00000", "00000", "00000"]),
    ],
)
@pytest.mark.parametrize("maxima", [local_maxima, plateau_maxima])
def test_a_maximum_is_a_whole_plateau_and_nothing_beside_it_is_higher(maxima, rows, expected):
    values = np.array([[float(digit) for digit in row] for row in rows])
    found = maxima(values)
    assert ["".join(str(int(there)) for there in row) for row in found] == expected


@pytest.mark.parametrize("n_levels", [2, 3, 5, 40])
@pytest.mark.parametrize("seed", range(25))
def test_the_filters_find_what_following_the_plateaus_finds(seed, n_levels):
    """Few levels make large plateaus of every form."""
    values = np.random.default_rng(seed).integers(0, n_levels, SHAPE_YX).astype(float)
    np.testing.assert_array_equal(plateau_maxima(values), scikit_maxima(values, connectivity=2))


def test_on_the_device_they_are_found_with_filters(cupy):
    values = np.random.default_rng(3).integers(0, 4, SHAPE_YX).astype(float)
    found = local_maxima(cupy.asarray(values))
    assert type(found) is cupy.ndarray
    np.testing.assert_array_equal(found.get(), local_maxima(values))
    assert not local_maxima(cupy.asarray(np.ones(SHAPE_YX))).get().any()
