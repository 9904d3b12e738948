"""Rule evaluate_track: tracking on simulated cells, on manual tracks, and on a movie of real cells."""

from pathlib import Path

from lensfree.config import Config
from lensfree.stages import evaluate_track
from lensfree.stages.joblog import job_log, only_path, provenance
from lensfree.stages.measures import write_measures

with job_log(snakemake):
    measures = evaluate_track.run(
        config=Config.model_validate(snakemake.params.config),
        refine_weights=only_path(snakemake.input.refine),
        quantify_weights=only_path(snakemake.input.weights),
        real=only_path(snakemake.input.real),
        page=Path(snakemake.output.page),
        figure=Path(snakemake.output.figure),
    )
    write_measures(
        Path(snakemake.output.measures), measures, "make evaluate ONLY=track", provenance(snakemake)
    )
