"""Rule series: tracks -> dry-mass histories along mother -> daughter paths."""

from pathlib import Path

from lensfree.config import SeriesConfig
from lensfree.stages import series
from lensfree.stages.joblog import job_log, provenance

with job_log(snakemake):
    series.run(
        tracks=Path(snakemake.input.tracks),
        out=Path(snakemake.output.series),
        cycles=Path(snakemake.output.cycles),
        frame_interval_min=snakemake.params.frame_interval_min,
        config=SeriesConfig.model_validate(snakemake.params.config),
        provenance=provenance(snakemake),
    )
