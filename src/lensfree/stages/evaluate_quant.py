"""Accuracy of the quantification, with the whole optics and reconstruction before it.

Each field is reconstructed once; the network and the reference pipeline look at the same map.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from lensfree.config import Config
from lensfree.io.files import written_whole
from lensfree.report.quantification import Robustness, Scatter, draw_quantification
from lensfree.report.style import to_png
from lensfree.stages.evaluate_quant_movie import look_at, rows_of, summarise_movie
from lensfree.stages.evaluate_quant_robust import LARGEST_FALL, level_name, measure_robustness
from lensfree.stages.held_out import held_out_cultures, held_out_fields, retrieve_opd
from lensfree.stages.measures import Measure
from lensfree.stages.outlined_movie import movie_frames
from lensfree.stages.quant_looks import Comparison, Look, Method, Sample, by_network, by_reference, drawn
from lensfree.stages.quant_page import build_page
from lensfree.stages.quant_published import ROBUSTNESS
from lensfree.stages.quant_summary import POOLED_TARGETS, Wording, summarise, targets_at
from lensfree.stages.quant_tables import METHODS
from lensfree.stages.refine import load_refine
from lensfree.stages.represent import load_represent
from lensfree.stages.training_fields import TrueField

MODERATE_PER_MM2 = 260.0
GROWN = ", in cultures that grew for 15 to 30 h to"
AFTER = "after full optics and reconstruction against"
NETWORK = Wording()
REFERENCE = Wording(
    f"cells found by the reference pipeline {AFTER} simulated truth", "the reference pipeline's", "true"
)
AGAINST_REFERENCE = Wording(
    f"cells found by the CNN {AFTER} those of the reference pipeline on the same map",
    "the CNN's",
    "the reference pipeline's",
)


def run(
    *,
    config: Config,
    refine_weights: Path | None,
    quantify_weights: Path,
    real: Path,
    page: Path,
    figure: Path,
) -> dict[str, Measure]:
    """Measure detection and the four measures on simulated and real cells; write the page and its figure.

    Per density and in grown cultures, the network against the truth; per density also the reference
    pipeline against the truth and the network against the reference pipeline; both on degraded maps and on
    real cells. Cells nearer to the border than 20 um do not count on either side; pairs are nearer than
    10 um.

    Args:
        config: `optics`, `fields`, `reconstruct`, `quantify` and `evaluate` are used.
        refine_weights: network of the reconstruction, None without.
        quantify_weights: network of the quantification.
        real: folder of real samples, with `livecyte_movie` in it.
        page: Markdown file to write.
        figure: PNG file to write; the page shows quantification.png beside it.
    """
    refine, represent = load_refine(refine_weights), load_represent(quantify_weights)
    evaluate, pitch_um = config.evaluate, config.fields.pixel_pitch_um
    network, reference = by_network(represent, config), by_reference(config)

    def sample(field: TrueField) -> Sample:
        return Sample(retrieve_opd(field, config, refine), field.cells)

    densities = dict.fromkeys((*evaluate.quant_cells_per_mm2, evaluate.quant_robust_cells_per_mm2))
    samples = {
        density: [sample(field) for field in held_out_fields(config, (density,), evaluate.fields)]
        for density in densities
    }
    measures: dict[str, Measure] = {}
    seen: dict[float, Comparison] = {}
    for density in evaluate.quant_cells_per_mm2:
        views = _views(samples[density], network, reference, config)
        seen[density] = views[""][0]
        for view, (comparison, wording) in views.items():
            targets = targets_at(density) if view == "" else {}
            measures |= summarise(f"quant.{view}{density:g}", comparison, evaluate.seeds, targets, wording)
    moderate = Comparison.pooled([one for density, one in seen.items() if density <= MODERATE_PER_MM2])
    measures |= summarise("quant", moderate, evaluate.seeds, POOLED_TARGETS)

    density = evaluate.quant_culture_cells_per_mm2
    cultures = [sample(field) for field in held_out_cultures(config, density, evaluate.fields)]
    found = [network(one.opd_nm) for one in cultures]
    true = [drawn(one.cells, one.opd_nm.shape, config) for one in cultures]
    grown, wording = Comparison.of(found, true, pitch_um), Wording(where=f"{GROWN} {density:g} cells/mm2")
    measures |= summarise("quant.culture", grown, evaluate.seeds, wording=wording)

    spoilt = samples[evaluate.quant_robust_cells_per_mm2]
    for key, method, wording, largest_fall in (
        ("quant.robust", network, NETWORK, LARGEST_FALL),
        ("quant.robust_reference", reference, REFERENCE, None),
    ):
        measures |= measure_robustness(key, method, spoilt, pitch_um, evaluate, wording, largest_fall)

    frames = list(movie_frames(real / "livecyte_movie"))
    movie: dict[str, list[Look]] = {}
    for key, method, who in (
        ("movie", network, "the CNN"),
        ("movie_reference", reference, "the reference pipeline"),
    ):
        movie[key] = [look_at(frame, method, config) for frame in frames]
        measures |= summarise_movie(f"quant.{key}", movie[key], who)

    rows = {key: rows_of(frames, looks) for key, looks in movie.items()}
    with written_whole(page) as partial:
        partial.write_text(build_page(measures, rows, config), encoding="utf-8")
    with written_whole(figure) as partial:
        partial.write_bytes(to_png(_draw(measures, seen, movie["movie"], config)))
    return measures


def _views(
    samples: Sequence[Sample], network: Method, reference: Method, config: Config
) -> dict[str, tuple[Comparison, Wording]]:
    """Return who is compared with whom, by the part of the key that says so."""
    pitch_um = config.fields.pixel_pitch_um
    found = [network(one.opd_nm) for one in samples]
    measured = [reference(one.opd_nm) for one in samples]
    true = [drawn(one.cells, one.opd_nm.shape, config) for one in samples]
    return {
        "": (Comparison.of(found, true, pitch_um), NETWORK),
        "reference.": (Comparison.of(measured, true, pitch_um), REFERENCE),
        "against_reference.": (Comparison.of(found, measured, pitch_um), AGAINST_REFERENCE),
    }


def _draw(
    measures: Mapping[str, Measure], seen: Mapping[float, Comparison], movie: Sequence[Look], config: Config
) -> Figure:
    """Return the figure of the page: network against truth, and both methods over the levels."""

    def scatter(title: str, prefix: str, looks: Sequence[Look], target: str) -> Scatter:
        r2, slope = measures[f"{prefix}.mass_r2"], measures[f"{prefix}.mass_slope"]
        return Scatter(
            title=title,
            note=f"R² {r2.value:.3f}, slope {slope.value:.3f}\n{r2.n} cells",
            target_pg=np.concatenate([look.truth["dry_mass_pg"].to_numpy() for look in looks]),
            found_pg=np.concatenate([look.found["dry_mass_pg"].to_numpy() for look in looks]),
            target=target,
        )

    scatters = [
        scatter(f"{density:g} cells/mm², synthetic", f"quant.{density:g}", one.looks, "true dry mass")
        for density, one in seen.items()
    ]
    outlined = "over the instrument's outlines"
    levels = config.evaluate.quant_degradation_nm
    robustness = Robustness(
        levels=[f"{noise_nm:g} / {background_nm:g}" for noise_nm, background_nm in levels],
        r2={
            method: [measures[f"quant.{part}.{level_name(*level)}.mass_r2"].value for level in levels]
            for part, method in METHODS.items()
        },
        bands={f"published {name}": published.mass_r2 for name, published in ROBUSTNESS.items()},
    )
    return draw_quantification(
        [*scatters, scatter("real cells, movie", "quant.movie", movie, outlined)], robustness
    )
