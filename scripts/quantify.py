"""Rule quantify: OPD maps of a chunk -> a table of cells."""

from pathlib import Path

from lensfree.config import QuantifyConfig
from lensfree.stages import quantify
from lensfree.stages.joblog import job_log, only_path, provenance

with job_log(snakemake):
    quantify.run(
        opd=Path(snakemake.input.opd),
        out=Path(snakemake.output.cells),
        config=QuantifyConfig.model_validate(snakemake.params.config),
        weights=only_path(snakemake.input.weights),
        calibrations=only_path(snakemake.input.calibrations),
        n_colours=snakemake.params.n_colours,
        provenance=provenance(snakemake),
    )
