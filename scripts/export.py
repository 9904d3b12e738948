"""Rule export: tracks -> one format of another program."""

from pathlib import Path

from lensfree.config import ExportConfig
from lensfree.stages import export
from lensfree.stages.joblog import job_log, provenance

with job_log(snakemake):
    export.run(
        tracks=Path(snakemake.input.tracks),
        opd=Path(snakemake.input.opd[0]),
        out=Path(snakemake.output[0]),
        format=snakemake.params.format,
        n_frames=snakemake.params.n_frames,
        frame_interval_h=snakemake.params.frame_interval_h,
        config=ExportConfig.model_validate(snakemake.params.config),
        provenance=provenance(snakemake),
    )
