"""Rule export: tracks or OPD -> one format of another program."""

from pathlib import Path

from lensfree.config import ExportConfig
from lensfree.stages import export
from lensfree.stages.joblog import job_log, only_path, provenance

with job_log(snakemake):
    export.run(
        tracks=only_path(snakemake.input.get("tracks", [])),
        opd=[Path(path) for path in snakemake.input.opd],
        out=Path(snakemake.output[0]),
        format=snakemake.params.format,
        n_frames=snakemake.params.n_frames,
        frame_interval_h=snakemake.params.frame_interval_h,
        config=ExportConfig.model_validate(snakemake.params.config),
        provenance=provenance(snakemake),
        about=snakemake.params.get("about", {}),
    )
