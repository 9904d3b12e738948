"""Fields seen by a method beside what is true of them, or beside what another method sees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from skimage.metrics import structural_similarity

from lensfree.arrays import to_numpy
from lensfree.cells.integral import find_cells
from lensfree.cells.measure import measure_cells
from lensfree.cells.pairing import detection, is_inside, pair_cells
from lensfree.cells.representation import MEASURES, draw_representation
from lensfree.config import Config
from lensfree.stages.represent import Represent

BORDER_UM = 20.0
"""Cells nearer to the border than this count on neither side."""

SSIM_SD_PX = 1.5
SSIM_RANGE = 1.0
"""The range of a map is that of about one average cell in `SCALE`, not the largest value there is: one
rounded cell would widen it and make every other difference small."""


class Look:
    """One field: what was found, what is true, and who is who."""

    def __init__(
        self, found: pd.DataFrame, truth: pd.DataFrame, shape_yx: tuple[int, ...], pixel_pitch_um: float
    ) -> None:
        shape_um = (shape_yx[0] * pixel_pitch_um, shape_yx[1] * pixel_pitch_um)
        pairs = pair_cells(found, truth)
        self.detection = detection(found, truth, pairs, shape_um, BORDER_UM)
        inside = is_inside(truth, shape_um, BORDER_UM)[pairs[:, 1]]
        self.found = found.iloc[pairs[inside, 0]]
        self.truth = truth.iloc[pairs[inside, 1]]


@dataclass(frozen=True)
class Sample:
    """One field as it was reconstructed.

    Attributes:
        opd_nm: (y, x).
        cells: what is true of it.
    """

    opd_nm: np.ndarray
    cells: pd.DataFrame


@dataclass(frozen=True)
class Answer:
    """What a method says of a field, or what is true of it.

    Attributes:
        cells: columns `y_um`, `x_um` and `MEASURES`, a row per cell.
        maps: representation (4, y, x), normalised.
    """

    cells: pd.DataFrame
    maps: np.ndarray


Method = Callable[[np.ndarray], Answer]
"""OPD (y, x) [nm] -> cells and their representation."""


def by_network(represent: Represent, config: Config) -> Method:
    """Return the network of quantification as the pipeline uses it; the maps are what it says itself."""
    pitch_um = config.fields.pixel_pitch_um

    def answer(opd_nm: np.ndarray) -> Answer:
        maps = to_numpy(represent(opd_nm, pitch_um))
        return Answer(find_cells(maps, opd_nm, pitch_um, config.quantify), maps)

    return answer


def by_reference(config: Config) -> Method:
    """Return the classical reference pipeline as a method; its maps are drawn from its cells."""

    def answer(opd_nm: np.ndarray) -> Answer:
        cells = measure_cells(opd_nm, config.fields.pixel_pitch_um, config.quantify)
        return drawn(cells, opd_nm.shape, config)

    return answer


def drawn(cells: pd.DataFrame, shape_yx: tuple[int, ...], config: Config) -> Answer:
    """Return cells with the representation that is drawn of them."""
    pitch_um, diameter_um = config.fields.pixel_pitch_um, config.quantify.disc_diameter_um
    return Answer(cells, draw_representation(cells, (shape_yx[0], shape_yx[1]), pitch_um, diameter_um))


@dataclass(frozen=True)
class Comparison:
    """The same fields in two ways.

    Attributes:
        looks: one per field.
        ssim: similarity of the maps (field, measure); without rows if no maps were compared.
        n_px: pixels of a field that `ssim` is the mean of.
    """

    looks: list[Look]
    ssim: np.ndarray
    n_px: int

    @classmethod
    def of(cls, found: Sequence[Answer], truth: Sequence[Answer], pixel_pitch_um: float) -> Comparison:
        """Pair the cells and compare the maps of each field."""
        border_px = int(np.ceil(BORDER_UM / pixel_pitch_um))
        looks = [
            Look(one.cells, other.cells, one.maps.shape[1:], pixel_pitch_um)
            for one, other in zip(found, truth, strict=True)
        ]
        ssim = [map_ssim(one.maps, other.maps, border_px) for one, other in zip(found, truth, strict=True)]
        n_px = int(np.prod(np.subtract(found[0].maps.shape[1:], 2 * border_px)))
        return cls(looks, np.array(ssim), n_px)

    @classmethod
    def of_cells(cls, looks: Sequence[Look]) -> Comparison:
        """Take looks alone, where nobody asks for maps."""
        return cls(list(looks), np.empty((0, len(MEASURES))), 0)

    @classmethod
    def pooled(cls, some: Sequence[Comparison]) -> Comparison:
        """Put the fields of several comparisons together."""
        looks = [look for one in some for look in one.looks]
        return cls(looks, np.concatenate([one.ssim for one in some]), some[0].n_px)


def map_ssim(maps: np.ndarray, others: np.ndarray, border_px: int) -> np.ndarray:
    """Return the structural similarity of normalised maps, one value per measure.

    As Wang et al., IEEE Trans. Image Process. 13:600 (2004): Gaussian window of 1.5 pixels sd that ends at
    11 x 11 pixels, K1 = 0.01, K2 = 0.03. The range of the data is 1, about one average cell (`SCALE`).

    Args:
        maps: (4, y, x) in the order of `MEASURES`.
        others: likewise, of the same shape.
        border_px: pixels nearer to the border than this do not enter the mean.

    Raises:
        ValueError: if the shapes differ, or nothing is left within the border.
    """
    if maps.shape != others.shape or min(maps.shape[1:]) <= 2 * border_px:
        raise ValueError(
            f"maps have shapes {maps.shape} and {others.shape}, expected one shape with more than "
            f"{2 * border_px} pixels down and right; compare maps of one field, or of a larger one"
        )
    inner = slice(border_px, -border_px or None)
    values = []
    for one, other in zip(maps, others, strict=True):
        _, local = structural_similarity(
            one.astype(np.float64),
            other.astype(np.float64),
            data_range=SSIM_RANGE,
            gaussian_weights=True,
            sigma=SSIM_SD_PX,
            use_sample_covariance=False,
            full=True,
        )
        values.append(float(local[inner, inner].mean()))
    return np.array(values)
