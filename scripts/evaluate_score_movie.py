"""Rule evaluate_score_movie: the highest-ranked cells of a movie of real cells, and what they are."""

from pathlib import Path

from lensfree.config import Config
from lensfree.stages import evaluate_score_movie
from lensfree.stages.joblog import job_log, only_path, provenance
from lensfree.stages.measures import write_measures

with job_log(snakemake):
    measures = evaluate_score_movie.run(
        config=Config.model_validate(snakemake.params.config),
        quantify_weights=only_path(snakemake.input.weights),
        detector=only_path(snakemake.input.detector),
        real=only_path(snakemake.input.real),
        verdicts=only_path(snakemake.input.verdicts),
        page=Path(snakemake.output.page),
        figure=Path(snakemake.output.figure),
    )
    write_measures(
        Path(snakemake.output.measures), measures, "make evaluate ONLY=score_movie", provenance(snakemake)
    )
