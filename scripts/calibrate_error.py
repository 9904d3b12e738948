"""Rule calibrate_error: simulated fields of known dry mass -> coefficients of its standard error."""

from pathlib import Path

from lensfree.config import Config
from lensfree.stages import calibrate_error
from lensfree.stages.joblog import job_log, only_path

with job_log(snakemake):
    calibrate_error.run(
        out=Path(snakemake.output.calibrations),
        config=Config.model_validate(snakemake.params.config),
        refine_weights=only_path(snakemake.input.refine),
        quantify_weights=only_path(snakemake.input.weights),
        known=only_path(snakemake.input.known),
    )
