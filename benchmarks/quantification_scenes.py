"""What quantification is compared on: reconstructed OPD maps of synthetic fields, their truth, and scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lensfree.cells.pairing import is_inside, regression
from lensfree.cells.representation import MEASURES
from lensfree.config import Config
from lensfree.phase.retrieve import Refine
from lensfree.stages.held_out import held_out_fields, retrieve_opd
from lensfree.stages.quant_looks import BORDER_UM, Look
from lensfree.stages.quant_summary import pooled_detection

DENSITIES_PER_MM2 = (255.0, 527.0)
DEVELOPMENT_SEED = 70001
"""The peers' settings are chosen on fields of this seed; the table's come from `evaluate.seeds`."""

FEWEST_PAIRS = 3


@dataclass(frozen=True)
class Scene:
    """One field: the map that every method sees, and its true cells.

    Attributes:
        cells_per_mm2: density that was asked for.
        opd_nm: reconstructed OPD (y, x).
        truth: `y_um`, `x_um` and the four measures of every cell.
        pixel_pitch_um: distance between pixels.
    """

    cells_per_mm2: float
    opd_nm: np.ndarray
    truth: pd.DataFrame
    pixel_pitch_um: float

    @property
    def shape_um(self) -> tuple[float, float]:
        """Extent down and right."""
        return tuple(n * self.pixel_pitch_um for n in self.opd_nm.shape)  # type: ignore[return-value]

    @property
    def area_mm2(self) -> float:
        """Area of the field."""
        return float(np.prod(self.shape_um)) * 1e-6

    @property
    def n_counted(self) -> int:
        """How many true cells are far enough from the border to count."""
        return int(is_inside(self.truth, self.shape_um, BORDER_UM).sum())


def scenes(config: Config, refine: Refine | None) -> list[Scene]:
    """Return the fields of both densities from `evaluate.seeds`, the very ones of `make evaluate`."""
    return [
        Scene(density, retrieve_opd(field, config, refine), field.cells, config.fields.pixel_pitch_um)
        for density in DENSITIES_PER_MM2
        for field in held_out_fields(config, (density,), config.evaluate.fields)
    ]


def development(config: Config) -> Config:
    """Return the configuration whose fields settings may be chosen on.

    Raises:
        ValueError: if the evaluation has the development seed.
    """
    if DEVELOPMENT_SEED in config.evaluate.seeds:
        raise ValueError(
            f"evaluate.seeds is {config.evaluate.seeds}, expected none to be {DEVELOPMENT_SEED}, on which "
            "the peers' settings are chosen; take it out"
        )
    evaluate = config.evaluate.model_copy(update={"seeds": (DEVELOPMENT_SEED,)})
    return config.model_copy(update={"evaluate": evaluate})


def scores(found: Sequence[pd.DataFrame], where: Sequence[Scene]) -> dict[str, float]:
    """Return precision, recall and, of all pairs together, R2 of each measure and the slope of dry mass.

    Pairs are at most 10 um apart; cells nearer to the border than 20 um do not count on either side.
    Measures of fewer than three pairs, and precision of no cells, are NaN.
    """
    looks = [
        Look(cells, scene.truth, scene.opd_nm.shape, scene.pixel_pitch_um)
        for cells, scene in zip(found, where, strict=True)
    ]
    precision, n_found, recall, n_true = pooled_detection(looks)
    figures = {
        "precision": precision if n_found else float("nan"),
        "recall": recall if n_true else float("nan"),
    }
    measured, true = (
        np.concatenate([table[list(MEASURES)].to_numpy(float) for table in tables])
        for tables in ([look.found for look in looks], [look.truth for look in looks])
    )
    for column, name in enumerate(MEASURES):
        is_enough = len(true) >= FEWEST_PAIRS
        line = regression(measured[:, column], true[:, column]) if is_enough else None
        figures[f"{name}_r2"] = line.r2 if line else float("nan")
        figures[f"{name}_slope"] = line.slope if line else float("nan")
    return figures


def merit(found: Sequence[pd.DataFrame], where: Sequence[Scene]) -> float:
    """Return by what settings are chosen: F1 of detection times the mean R2, averaged over densities.

    It is 0 where nothing can be said, as when nothing was found.
    """
    parts = []
    for density in dict.fromkeys(scene.cells_per_mm2 for scene in where):
        chosen = [index for index, scene in enumerate(where) if scene.cells_per_mm2 == density]
        figures = scores([found[index] for index in chosen], [where[index] for index in chosen])
        precision, recall = figures["precision"], figures["recall"]
        f1 = 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0
        parts.append(np.nan_to_num(f1 * np.mean([figures[f"{name}_r2"] for name in MEASURES])))
    return float(np.mean(parts))
