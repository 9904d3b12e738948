"""Resampling is scikit-image's, and keeps fields where they are."""

import numpy as np
import pytest
from skimage.transform import resize

from lensfree.filters import resample


@pytest.mark.parametrize("shape_yx", [(31, 57), (120, 77), (45, 63), (90, 40)])
@pytest.mark.parametrize("n_maps", [0, 4])
def test_it_is_the_resize_of_scikit_image(shape_yx, n_maps):
    rng = np.random.default_rng(0)
    maps = rng.normal(size=(n_maps, 45, 63) if n_maps else (45, 63)).astype(np.float32)
    got = resample(maps, shape_yx)
    assert got.shape == (*maps.shape[:-2], *shape_yx) and got.dtype == np.float32
    np.testing.assert_allclose(got, resize(maps, got.shape, order=1), atol=1e-6)


@pytest.mark.parametrize("ratio", [0.5, 0.8, 1.7])
def test_a_blob_stays_at_its_place_in_the_field(ratio):
    y, x = np.mgrid[:80, :120]
    blob = np.exp(-((y - 31.0) ** 2 + (x - 74.5) ** 2) / (2 * 6.0**2))
    seen = resample(blob, (round(80 * ratio), round(120 * ratio)))
    rows, columns = np.indices(seen.shape)
    centre = [(seen * index).sum() / seen.sum() for index in (rows, columns)]
    # Pixel edges are kept: the centre of pixel i is (i + 1/2) pixels from the edge of the field.
    assert (centre[0] + 0.5) / ratio - 0.5 == pytest.approx(31.0, abs=0.02)
    assert (centre[1] + 0.5) / ratio - 0.5 == pytest.approx(74.5, abs=0.02)
