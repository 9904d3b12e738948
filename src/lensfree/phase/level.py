"""Level and spread of an OPD map where no cell is, and maps of other microscopes in nm."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

_BINS = 64
_CLIP_SD = 1.5
_SD_PER_MEAN_ABSOLUTE = math.sqrt(math.pi / 2)  # of a normal distribution


def nm_per_unit(opd_unit: Literal["nm", "rad"] | float, wavelength_nm: Sequence[float]) -> float:
    """Return the nm of OPD in one unit of a file.

    A phase of 2 pi is one wavelength: OPD = phase * wavelength / (2 pi).

    Args:
        opd_unit: `nm`, `rad`, or a number of nm per count.
        wavelength_nm: the wavelength, for `rad`.
    """
    if opd_unit == "nm":
        return 1.0
    if opd_unit == "rad":
        return wavelength_nm[0] / (2 * math.pi)
    return float(opd_unit)


def background_level_nm(opd_nm: np.ndarray) -> float:
    """Return the level of the background, the most frequent OPD.

    Cells cover less than the background and lie on one side of it, so the mode stays where mean and
    median are pulled away. The peak of the histogram is refined by the mean of the values near it,
    within 1.5 sd, with the sd taken from below, where no cells are.
    """
    values = np.asarray(opd_nm, dtype=np.float64).ravel()
    low, high = np.percentile(values, (0.1, 75.0))
    if high <= low:
        return float(low)
    top = high + (high - low)
    counts, edges = np.histogram(values, bins=_bin_count(values, top - low), range=(low, top))
    peak = int(np.argmax(counts))
    level = (edges[peak] + edges[peak + 1]) / 2
    below = values[values <= level]
    sd = _SD_PER_MEAN_ABSOLUTE * float(np.mean(level - below)) if below.size else 0.0
    near = values[np.abs(values - level) <= max(_CLIP_SD * sd, edges[1] - edges[0])]
    return float(near.mean()) if near.size else float(level)


def background_sd_nm(opd_nm: np.ndarray) -> float:
    """Return the sd of the background of a map whose background level is 0, from the values below 0."""
    below = opd_nm[opd_nm < 0]
    return float(np.sqrt(np.mean(np.square(below, dtype=np.float64)))) if below.size else 0.0


def _bin_count(values: np.ndarray, span: float) -> int:
    """Return a number of bins that does not split the steps of a file of few grey levels."""
    sample = np.unique(values[:: max(1, values.size // 10000)])
    step = float(np.min(np.diff(sample))) if sample.size > 1 else span
    return int(max(1, min(_BINS, span / step)))
