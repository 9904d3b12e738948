"""Rule score: dry-mass histories and a model -> judged windows, anomaly scores, and why."""

from pathlib import Path

from lensfree.config import ScoreConfig
from lensfree.stages import score
from lensfree.stages.joblog import job_log, only_path, provenance

with job_log(snakemake):
    score.run(
        series=Path(snakemake.input.series),
        events=Path(snakemake.input.events),
        model=only_path(snakemake.input.model),
        windows_out=Path(snakemake.output.windows),
        scores_out=Path(snakemake.output.scores),
        config=ScoreConfig.model_validate(snakemake.params.config),
        provenance=provenance(snakemake),
    )
