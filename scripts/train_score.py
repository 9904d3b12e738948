"""Rule train_score: the dry-mass histories of a data set -> its forecaster, own or shipped."""

from pathlib import Path

from lensfree.config import ScoreConfig, TrainScoreConfig
from lensfree.stages import train_score
from lensfree.stages.joblog import job_log, only_path, provenance
from lensfree.stages.model_provenance import add_provenance

with job_log(snakemake):
    train_score.run(
        series=[Path(path) for path in snakemake.input.series],
        out=Path(snakemake.output.model),
        config=TrainScoreConfig.model_validate(snakemake.params.config),
        score_config=ScoreConfig.model_validate(snakemake.params.score),
        checkpoint=Path(snakemake.output.model).with_suffix(".checkpoint"),
        shipped=only_path(snakemake.input.shipped),
        dataset=snakemake.wildcards.dataset,
    )
    add_provenance(Path(snakemake.output.model), provenance(snakemake))
