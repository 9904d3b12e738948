"""Rule evaluate_error: the standard error of dry mass against the errors on held-out seeds."""

from pathlib import Path

from lensfree.config import Config
from lensfree.stages import evaluate_error
from lensfree.stages.joblog import job_log, only_path, provenance
from lensfree.stages.measures import write_measures

with job_log(snakemake):
    measures = evaluate_error.run(
        config=Config.model_validate(snakemake.params.config),
        refine_weights=only_path(snakemake.input.refine),
        quantify_weights=only_path(snakemake.input.weights),
        calibrations=only_path(snakemake.input.calibrations),
        figure=Path(snakemake.output.figure),
    )
    write_measures(
        Path(snakemake.output.measures), measures, "make evaluate ONLY=error", provenance(snakemake)
    )
