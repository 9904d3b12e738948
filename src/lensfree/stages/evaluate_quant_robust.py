"""Dry mass from degraded OPD maps, at the seven levels of the paper.

Allier et al., Front. Phys. 9:776805 (2022), section 3.3 and Figure 4: white noise and a slow background
are added to the reconstructed OPD map.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lensfree.config import EvaluateConfig
from lensfree.simulate.drift import draw_drift
from lensfree.stages.measures import Measure
from lensfree.stages.quant_looks import Comparison, Look, Method, Sample
from lensfree.stages.quant_summary import Wording, summarise

DEGRADED = 2000
"""Stream of random numbers of noise and backgrounds."""

LARGEST_FALL = 0.02


def level_name(noise_sd_nm: float, background_nm: float) -> str:
    """Return the part of the keys that names a level, such as n20_b30."""
    return f"n{noise_sd_nm:g}_b{background_nm:g}"


def degraded(
    opd_nm: np.ndarray,
    pixel_pitch_um: float,
    noise_sd_nm: float,
    background_nm: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return an OPD map (y, x) [nm] with white noise of an sd and a slow background added.

    The background is a sum of long waves (`simulate.drift`), scaled so that its largest absolute value is
    `background_nm`. The same state of `rng` gives the same patterns at every level, only weaker or stronger.
    """
    slow = draw_drift(rng, 1.0).at(0.0, (opd_nm.shape[0], opd_nm.shape[1]), pixel_pitch_um)
    noise = rng.standard_normal(opd_nm.shape)
    added_nm = background_nm * slow / np.abs(slow).max() + noise_sd_nm * noise
    return (opd_nm + added_nm).astype(np.float32)


def measure_robustness(
    prefix: str,
    method: Method,
    samples: Sequence[Sample],
    pixel_pitch_um: float,
    evaluate: EvaluateConfig,
    wording: Wording,
    largest_fall: float | None = None,
) -> dict[str, Measure]:
    """Return detection and the line of dry mass at every level, and how far R2 falls from first to last.

    Args:
        prefix: what the keys begin with, such as quant.robust.
        method: what looks at the degraded maps.
        samples: fields with their truth.
        pixel_pitch_um: of the fields [um].
        evaluate: `seeds` and `quant_degradation_nm` are used.
        wording: how the comparison is told.
        largest_fall: target of the fall.
    """
    measures: dict[str, Measure] = {}
    levels = evaluate.quant_degradation_nm
    for noise_sd_nm, background_nm in levels:
        looks = []
        for index, sample in enumerate(samples):
            rng = np.random.default_rng([*evaluate.seeds, DEGRADED, index])
            opd_nm = degraded(sample.opd_nm, pixel_pitch_um, noise_sd_nm, background_nm, rng)
            looks.append(Look(method(opd_nm).cells, sample.cells, opd_nm.shape, pixel_pitch_um))
        where = f", OPD with noise of {noise_sd_nm:g} nm sd and a background of {background_nm:g} nm added"
        measures |= summarise(
            f"{prefix}.{level_name(noise_sd_nm, background_nm)}",
            Comparison.of_cells(looks),
            evaluate.seeds,
            wording=replace(wording, where=wording.where + where),
            names=("dry_mass_pg",),
        )
    first, last = (measures[f"{prefix}.{level_name(*level)}.mass_r2"] for level in (levels[0], levels[-1]))
    measures[f"{prefix}.mass_r2_fall"] = Measure(
        first.value - last.value,
        "1",
        "lower",
        last.n,
        evaluate.seeds,
        largest_fall,
        f"R2 of dry mass at {level_name(*levels[0])} less that at {level_name(*levels[-1])}{wording.where}",
    )
    return measures
