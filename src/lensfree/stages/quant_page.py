"""The page of the quantification: what was measured and how, with published figures and ours side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lensfree.config import Config
from lensfree.simulate.drift import PERIOD_UM
from lensfree.stages.evaluate_quant_movie import MovieRow
from lensfree.stages.measures import Measure
from lensfree.stages.outlined_movie import MAX_OPD_NM, OUTLINES_EVERY
from lensfree.stages.quant_looks import BORDER_UM, SSIM_SD_PX
from lensfree.stages.quant_tables import movie_by_frame, robustness_by_level, robustness_over_levels, table_1

TITLES = {
    "area_um2": "Area [um2]",
    "dry_mass_pg": "Dry mass [pg]",
    "max_opd_nm": "Maximum OPD [nm]",
    "length_um": "Length [um]",
}

HEAD = """# Quantification

Cells found and measured in OPD maps, beside the published figures. Written by `make evaluate ONLY=quant`;
do not edit. All fields but those of the movie are **synthetic**: simulated cells whose positions and
measures are known, their holograms with the full optics, the camera and an imperfect background, and the
reconstruction of the pipeline before anything is measured. Seeds {seeds}, which no
training uses; {n_fields} fields per density of {rows} x {columns} pixels of {pitch_um:g} um,
{low_um:g} to {high_um:g} um from the sensor. True cells that count: {cells} cells/mm2.

![found against true dry mass, and R2 over the levels of degradation](quantification.png)

## Beside the published table

Published: Allier et al., Front. Phys. 9:776805 (2022), Table 1, one CNN per measure, on four images of
real cells. Its target is the paper's own image processing, so its errors and those of the target cannot
be told apart. Ours: one network for all four measures, against what is true; against the reference
pipeline (threshold, blobs, growing) on the same map, as the paper did; and the reference pipeline itself
against what is true. The network's dry mass is corrected by the integral of OPD over a region around each
cell, as in the pipeline; its maps, which SSIM compares, are not. The cells are not the same ones, so rows
of different origin compare roughly.

Pairs are at most 10 um apart; cells nearer to the border than {border_um:g} um do not count. Slope,
intercept and R2 are those of the line of estimate on target, so R2 is a squared correlation; intercept
and MAD have the unit of the measure; MAD is 1.4826 times the median absolute deviation of the error from
its median. SSIM compares maps of discs: Gaussian window of {ssim_sd:g} pixels sd, K1 = 0.01, K2 = 0.03,
range of the data 200 pg, 650 um2, 80 nm and 40 um (about one average cell), mean over the pixels
{border_um:g} um from the border or farther, then over fields. The paper states neither window nor range.
Precision and recall of ours repeat in all four tables: the measures come from one list of cells."""

ROBUSTNESS = """## Robustness

Dry mass at {density:g} cells/mm2 against simulated truth, from OPD maps with white noise and a slow
background added after the reconstruction: a sum of waves of {low_um:g} to {high_um:g} um, scaled so that its
largest absolute value is the one given. Patterns are the same at every level, only stronger or weaker.
Published (section 3.3): against the paper's own image processing of the image without degradation; CNN-A
learnt from clean images, CNN-B from degraded ones."""

MOVIE = """## Real cells

The right half of the movie `demo/real/livecyte_movie` (the left half trains), every {every}th frame, looked
at directly as OPD: no holograms in between. The target are the outlines that came with the movie, made
automatically by the instrument's software: **not ground truth**. A cell of the instrument is at the
centroid of its outline; its dry mass is that of the OPD above the local background over the outline.
{max_nm:g} nm for the brightest grey level and {pitch_um:g} um per pixel are assumptions, so dry mass is
relative. The same cells come again from frame to frame. Figures are as they are; the last row has all
frames."""


def build_page(
    measures: Mapping[str, Measure], movie: Mapping[str, Sequence[MovieRow]], config: Config
) -> str:
    """Return the page as Markdown.

    Args:
        measures: by key, as stage evaluate_quant returns them.
        movie: rows of the frames by method, keyed as `quant_tables.MOVIE_METHODS`.
        config: seeds, fields, densities and levels are told.
    """
    evaluate, pitch_um = config.evaluate, config.fields.pixel_pitch_um
    densities = evaluate.quant_cells_per_mm2
    counts = [f"{measures[f'quant.{density:g}.recall'].n} at {density:g}" for density in densities]
    head = HEAD.format(
        seeds=", ".join(map(str, evaluate.seeds)),
        n_fields=len(evaluate.seeds) * evaluate.fields,
        rows=evaluate.field_px * 3 // 4,
        columns=evaluate.field_px,
        pitch_um=pitch_um,
        low_um=evaluate.z_um[0],
        high_um=evaluate.z_um[1],
        cells=", ".join(counts),
        border_um=BORDER_UM,
        ssim_sd=SSIM_SD_PX,
    )
    parts = [head]
    for name, title in TITLES.items():
        parts += [f"### {title}", table_1(name, measures, densities)]
    parts += [
        ROBUSTNESS.format(
            density=evaluate.quant_robust_cells_per_mm2, low_um=PERIOD_UM[0], high_um=PERIOD_UM[1]
        ),
        robustness_by_level(measures, evaluate),
        robustness_over_levels(measures, evaluate),
        MOVIE.format(every=OUTLINES_EVERY, max_nm=MAX_OPD_NM, pitch_um=pitch_um),
        movie_by_frame(measures, movie),
    ]
    return "\n\n".join(parts) + "\n"
