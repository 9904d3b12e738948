"""Rule train_forecast: simulated histories -> the forecaster that is shipped."""

from pathlib import Path

from lensfree.config import ScoreConfig, TrainScoreConfig
from lensfree.stages import train_forecast
from lensfree.stages.joblog import job_log, provenance
from lensfree.stages.model_provenance import add_provenance

with job_log(snakemake):
    train_forecast.run(
        out=Path(snakemake.output.weights),
        work=Path(snakemake.output.weights).with_suffix(".work"),
        config=TrainScoreConfig.model_validate(snakemake.params.config),
        score=ScoreConfig.model_validate(snakemake.params.score),
        card={"name": "forecast", "version": "own"},
    )
    add_provenance(Path(snakemake.output.weights), provenance(snakemake))
