"""Rule evaluate_quant: the quantification on held-out seeds and real cells, beside the published figures."""

from pathlib import Path

from lensfree.config import Config
from lensfree.stages import evaluate_quant
from lensfree.stages.joblog import job_log, only_path, provenance
from lensfree.stages.measures import write_measures

with job_log(snakemake):
    measures = evaluate_quant.run(
        config=Config.model_validate(snakemake.params.config),
        refine_weights=only_path(snakemake.input.refine),
        quantify_weights=only_path(snakemake.input.weights),
        real=only_path(snakemake.input.real),
        page=Path(snakemake.output.page),
        figure=Path(snakemake.output.figure),
    )
    write_measures(
        Path(snakemake.output.measures), measures, "make evaluate ONLY=quant", provenance(snakemake)
    )
