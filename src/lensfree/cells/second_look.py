"""A second look at a noisy map: what a network says of it with the noise taken out, where both looks agree.

A network that saw noise in training answers better where there is less of it. Smoothing takes noise out, but
also the furrow between two cells that touch. Means of places that look alike keep most of it (Buades, Coll
and Morel, Proc. IEEE CVPR 2:60 (2005), as scikit-image's `denoise_nl_means`), and where the two looks differ
by much, the map as it is decides. The second look is at the map turned upside down, because a network errs
differently then.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from skimage.restoration import denoise_nl_means

from lensfree.arrays import array_namespace

LEAST_NM = 3.0
"""White noise below this is not worth a second look: a reconstructed map has some tenths of a nm."""

FULL_NM = 20.0
FULL_SHARE = 0.7
"""Share of the second look at noise of 20 nm and more; at less noise it is less in proportion."""

DISAGREEMENT = 0.5
"""Difference of two looks over the larger one at which the second counts half of its share."""

_FLOOR = 0.2  # of the larger look, in units of a map: about a fifth of an average cell
_PATCH_PX = 5
_REACH_PX = 4
_STRENGTH = 0.4


def second_share(noise_nm: float) -> float:
    """Return the share of a second look at a map with white noise of this sd [nm]; 0: none is needed."""
    return FULL_SHARE * min(noise_nm / FULL_NM, 1.0) if noise_nm >= LEAST_NM else 0.0


def quieter_nm(opd_nm: np.ndarray, noise_nm: float) -> np.ndarray:
    """Return a map (y, x) [nm] with most of its white noise of this sd [nm] taken out, float32."""
    return np.asarray(
        denoise_nl_means(
            opd_nm.astype(np.float32),
            patch_size=_PATCH_PX,
            patch_distance=_REACH_PX,
            h=_STRENGTH * noise_nm,
            sigma=noise_nm,
            fast_mode=True,
        )
    )


def upside_down(maps: Any) -> Any:
    """Return maps (..., y, x) turned by 180 degrees; twice is as before."""
    return array_namespace(maps).ascontiguousarray(maps[..., ::-1, ::-1])


def agreed(maps: Any, others: Any, share: float) -> Any:
    """Return the weighted mean of two looks, the second one's share less where they differ.

    Its weight is `share / (1 + (difference / DISAGREEMENT)^4)`, the difference taken pixel by pixel in each
    map and over the larger of the two.

    Args:
        maps: (map, y, x), normalised by `SCALE`; NumPy or CuPy.
        others: the second look, of the same shape.
        share: weight of the second look where both say the same.
    """
    xp = array_namespace(maps)
    mean = xp.empty_like(maps)
    for index, (one, other) in enumerate(zip(maps, others, strict=True)):
        larger = xp.maximum(xp.maximum(one, other), _FLOOR)
        off = xp.square(xp.square((other - one) / (DISAGREEMENT * larger)))
        mean[index] = one + share / (1 + off) * (other - one)
    return mean
