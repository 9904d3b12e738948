"""Rule train_experiment: histories of a data set -> a model of one method for the experiments."""

from pathlib import Path

from lensfree.config import ScoreConfig, TrainScoreConfig
from lensfree.stages import train_experiment
from lensfree.stages.joblog import job_log, provenance
from lensfree.stages.model_provenance import add_provenance

with job_log(snakemake):
    train_experiment.run(
        series=[Path(path) for path in snakemake.input.series],
        out=Path(snakemake.output.model),
        config=TrainScoreConfig.model_validate(snakemake.params.config),
        score_config=ScoreConfig.model_validate(snakemake.params.score),
        checkpoint=Path(snakemake.output.model).with_suffix(".checkpoint"),
        dataset=snakemake.wildcards.dataset,
    )
    add_provenance(Path(snakemake.output.model), provenance(snakemake))
