"""Off-the-shelf segmenters: OPD above its background in, outlines out, and settings to choose from.

Both come from PyPI without a model to download. Outlines are measured as the reference pipeline's are, and
regions below its least area and dry mass are dropped as there, so that segmentation alone differs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from quantification_scenes import Scene, merit
from scipy import ndimage

from lensfree.arrays import cpu_count
from lensfree.cells.background import above_background_nm
from lensfree.cells.measure import measure_regions
from lensfree.config import QuantifyConfig

OTSU, MULTI_OTSU = "Otsu", "multi-Otsu"
"""Cells are above Otsu's threshold, or above the lower one of his two for three classes: rounded cells
are ten times as thick as flat ones and may take a class of their own."""


@dataclass(frozen=True)
class Segmenter:
    """A way from OPD above its background to outlines.

    Attributes:
        package: its name on PyPI.
        module: what is imported of it.
        outlines: maps (above_nm, pixel_pitch_um, **settings) to int labels (y, x), 0 outside cells.
        candidates: the settings to choose from.
    """

    package: str
    module: str
    outlines: Callable[..., np.ndarray]
    candidates: tuple[dict[str, Any], ...]

    @property
    def is_installed(self) -> bool:
        """Whether it can run here."""
        return find_spec(self.module) is not None

    def cells(
        self, opd_nm: np.ndarray, pixel_pitch_um: float, config: QuantifyConfig, settings: dict[str, Any]
    ) -> pd.DataFrame:
        """Return the cells of an OPD map, background and measurement being the reference pipeline's."""
        above_nm = above_background_nm(opd_nm, pixel_pitch_um, config)
        labels = self.outlines(above_nm, pixel_pitch_um, **settings)
        alpha = config.specific_refraction_increment_um3_per_pg
        cells = measure_regions(above_nm, labels, pixel_pitch_um, alpha)
        is_cell = (cells["area_um2"] >= config.min_area_um2) & (
            cells["dry_mass_pg"] >= config.min_dry_mass_pg
        )
        return cells[is_cell].reset_index(drop=True)


def chosen(segmenter: Segmenter, where: Sequence[Scene], config: QuantifyConfig) -> dict[str, Any]:
    """Return the settings of the highest merit on these fields; ties go to the earlier ones."""

    def goodness(settings: dict[str, Any]) -> float:
        found = [segmenter.cells(s.opd_nm, s.pixel_pitch_um, config, settings) for s in where]
        value = merit(found, where)
        print(f"{segmenter.package}, {settings}: merit {value:.4f}", flush=True)
        return value

    return max(segmenter.candidates, key=goodness)


def by_scikit_image(
    above_nm: np.ndarray,
    pixel_pitch_um: float,
    *,
    threshold: str,
    min_distance_um: float,
    distance_sd_um: float,
) -> np.ndarray:
    """Part a thresholded map by a watershed on the distance to its background, seeded at the maxima.

    As scikit-image's gallery does in "Watershed segmentation" (maxima of 3 x 3 pixels) and "Segment human
    cells (in mitosis)" (multi-Otsu, maxima 7 pixels apart). With `distance_sd_um` the distance is smoothed
    first, which the gallery does not do.
    """
    from skimage.feature import peak_local_max
    from skimage.filters import threshold_multiotsu, threshold_otsu
    from skimage.segmentation import watershed

    limit_nm = threshold_otsu(above_nm) if threshold == OTSU else threshold_multiotsu(above_nm, classes=3)[0]
    is_cell = above_nm > limit_nm
    distance_px = ndimage.distance_transform_edt(is_cell)
    if distance_sd_um:
        distance_px = ndimage.gaussian_filter(distance_px, distance_sd_um / pixel_pitch_um)
    reach_px = max(1, round(min_distance_um / pixel_pitch_um))
    at = peak_local_max(distance_px, min_distance=reach_px, exclude_border=False, labels=is_cell.astype(int))
    seeds = np.zeros(above_nm.shape, np.int32)
    seeds[tuple(at.T)] = np.arange(1, len(at) + 1)
    return np.asarray(watershed(-distance_px, seeds, mask=is_cell))


def by_simpleitk(
    above_nm: np.ndarray,
    pixel_pitch_um: float,
    *,
    threshold: str,
    opd_sd_um: float,
    level_um: float | None = None,
    level_nm: float | None = None,
) -> np.ndarray:
    """Part a thresholded map by a morphological watershed without seeds.

    As SimpleITK's notebook 32, "Watersheds Segmentation", does: basins that are shallower than a level are
    one. With `level_um` the relief is the distance to the background, as there; with `level_nm` it is OPD.
    """
    import SimpleITK as sitk

    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(cpu_count())
    image = sitk.GetImageFromArray(above_nm.astype(np.float32))
    image.SetSpacing((pixel_pitch_um, pixel_pitch_um))
    if opd_sd_um:
        image = sitk.SmoothingRecursiveGaussian(image, opd_sd_um)
    if threshold == OTSU:
        is_cell = sitk.OtsuThreshold(image, 0, 1)
    else:
        is_cell = sitk.OtsuMultipleThresholds(image, 2) > 0
    if level_um is None:
        relief, level = -image, level_nm
    else:
        as_there = {"insideIsPositive": False, "squaredDistance": False, "useImageSpacing": True}
        relief, level = sitk.SignedMaurerDistanceMap(is_cell, **as_there), level_um
    basins = sitk.MorphologicalWatershed(relief, level=level, markWatershedLine=False)
    return sitk.GetArrayFromImage(sitk.Mask(basins, is_cell)).astype(np.int32)


def every(**values: Sequence[Any]) -> tuple[dict[str, Any], ...]:
    """Return every combination of values as settings."""
    return tuple(dict(zip(values, each, strict=True)) for each in product(*values.values()))


THRESHOLDS = (OTSU, MULTI_OTSU)
SEGMENTERS = {
    "scikit-image, distance and watershed": Segmenter(
        "scikit-image",
        "skimage",
        by_scikit_image,
        every(threshold=THRESHOLDS, min_distance_um=(2.0, 7.0, 12.0), distance_sd_um=(0.0, 1.7, 3.4)),
    ),
    "SimpleITK, morphological watershed": Segmenter(
        "simpleitk",
        "SimpleITK",
        by_simpleitk,
        (
            *every(threshold=THRESHOLDS, opd_sd_um=(0.0, 1.7), level_um=(0.8, 1.7, 3.3)),
            *every(threshold=THRESHOLDS, opd_sd_um=(0.0, 1.7), level_nm=(5.0, 10.0, 20.0)),
        ),
    ),
}
