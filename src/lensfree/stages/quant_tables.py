"""Tables of the page of the quantification: published rows and ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import mean, stdev

from lensfree.config import EvaluateConfig
from lensfree.stages.evaluate_quant_movie import MovieRow
from lensfree.stages.evaluate_quant_robust import level_name
from lensfree.stages.measures import Measure
from lensfree.stages.quant_published import ROBUSTNESS, TABLE_1
from lensfree.stages.quant_summary import SHORT

VIEWS = {
    "": "network, truth",
    "against_reference.": "network, reference pipeline",
    "reference.": "reference pipeline, truth",
}
"""What is compared with what, by the part of the key that says so."""

METHODS = {"robust": "network", "robust_reference": "reference pipeline"}
MOVIE_METHODS = {"movie": "network", "movie_reference": "reference pipeline"}

_FIGURES = {"ssim": 3, "precision": 3, "recall": 3, "slope": 3, "intercept": 1, "r2": 3, "mad": 1}
"""Columns and their digits."""

_DETECTION = ("precision", "recall")


def table_1(name: str, measures: Mapping[str, Measure], densities: Sequence[float]) -> str:
    """Return the published table of one measure with our rows below each of its own."""
    head = ("cells/mm2", "estimate, target", "cells", "SSIM", "precision", "recall", "slope", "intercept")
    return _table((*head, "R2", "MAD"), _rows_of_table_1(name, measures, densities))


def robustness_by_level(measures: Mapping[str, Measure], evaluate: EvaluateConfig) -> str:
    """Return detection and the line of dry mass of both methods at every level."""
    names = {"mass_r2": 3, "mass_slope": 3, "mass_mad": 1, "precision": 3, "recall": 3}
    rows = [
        (f"{noise_nm:g}", f"{background_nm:g}", method)
        + tuple(
            f"{measures[f'quant.{part}.{level_name(noise_nm, background_nm)}.{key}'].value:.{digits}f}"
            for key, digits in names.items()
        )
        for noise_nm, background_nm in evaluate.quant_degradation_nm
        for part, method in METHODS.items()
    ]
    head = ("noise sd [nm]", "background [nm]", "method", "R2", "slope", "MAD [pg]")
    return _table((*head, *_DETECTION), rows)


def robustness_over_levels(measures: Mapping[str, Measure], evaluate: EvaluateConfig) -> str:
    """Return mean and sd over the levels, published and ours, and the fall from the first to the last."""
    rows = [
        (
            f"published {name}",
            f"{published.mass_r2[0]:.2f} ± {published.mass_r2[1]:.2f}",
            f"{published.mass_mad_pg[0]:.1f} ± {published.mass_mad_pg[1]:.1f}",
            "",
        )
        for name, published in ROBUSTNESS.items()
    ]
    for part, method in METHODS.items():
        r2, mad_pg = (
            [
                measures[f"quant.{part}.{level_name(*level)}.{name}"].value
                for level in evaluate.quant_degradation_nm
            ]
            for name in ("mass_r2", "mass_mad")
        )
        fall = measures[f"quant.{part}.mass_r2_fall"].value
        shown = (f"{mean(r2):.3f} ± {stdev(r2):.3f}", f"{mean(mad_pg):.1f} ± {stdev(mad_pg):.1f}")
        rows.append((method, *shown, f"{fall:.3f}"))
    return _table(("mean ± sd over the levels", "R2", "MAD [pg]", "fall of R2"), rows)


def movie_by_frame(measures: Mapping[str, Measure], movie: Mapping[str, Sequence[MovieRow]]) -> str:
    """Return what both methods find in each frame and in all; `movie` has the keys of `MOVIE_METHODS`."""
    head = ["frame", "cells of the instrument"]
    head += [
        f"{method}: {figure}"
        for method in MOVIE_METHODS.values()
        for figure in ("recall", "precision", "mass R2")
    ]
    rows = [
        (str(frames[0].frame), str(frames[0].n_outlines))
        + tuple(_number(value) for row in frames for value in (row.recall, row.precision, row.mass_r2))
        for frames in zip(*(movie[key] for key in MOVIE_METHODS), strict=True)
    ]
    pooled = [
        measures[f"quant.{key}.{name}"]
        for key in MOVIE_METHODS
        for name in ("recall", "precision", "mass_r2")
    ]
    rows.append(("all", str(pooled[0].n), *(_number(measure.value) for measure in pooled)))
    return _table(head, rows)


def _rows_of_table_1(
    name: str, measures: Mapping[str, Measure], densities: Sequence[float]
) -> Iterator[tuple[str, ...]]:
    for density in densities:
        published = TABLE_1.get((name, density))
        if published is not None:
            cells, *values = published.as_printed
            yield (f"{density:g}", "published", cells, *values)
        for view, title in VIEWS.items():
            prefix = f"quant.{view}{density:g}"
            keys = {
                f"{prefix}.{column if column in _DETECTION else f'{SHORT[name]}_{column}'}": digits
                for column, digits in _FIGURES.items()
            }
            n_cells = measures[f"{prefix}.recall"].n
            values = [f"{measures[key].value:.{digits}f}" for key, digits in keys.items()]
            yield (f"{density:g}", title, str(n_cells), *values)


def _number(value: float) -> str:
    """Return a share or R2 as text; nothing where there is none."""
    return "" if value != value else f"{value:.3f}"


def _table(head: Sequence[str], rows: Iterator[tuple[str, ...]] | Sequence[tuple[str, ...]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
