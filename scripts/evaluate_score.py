"""Rule evaluate_score: detectors of abnormal histories side by side on synthetic histories."""

from pathlib import Path

from lensfree.config import Config
from lensfree.stages import evaluate_score
from lensfree.stages.joblog import job_log, provenance
from lensfree.stages.measures import write_measures

with job_log(snakemake):
    measures = evaluate_score.run(
        config=Config.model_validate(snakemake.params.config),
        page=Path(snakemake.output.page),
        work=Path(snakemake.output.measures).with_suffix(".work"),
        code=snakemake.params.code,
    )
    write_measures(
        Path(snakemake.output.measures), measures, "make evaluate ONLY=score", provenance(snakemake)
    )
