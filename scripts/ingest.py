"""Rule ingest: OPD or phase maps of another microscope -> an OPD chunk."""

from pathlib import Path

from lensfree.acquisitions import Acquisition
from lensfree.config import IngestConfig, StorageConfig
from lensfree.stages import ingest
from lensfree.stages.joblog import job_log, provenance
from lensfree.stages.raw_record import raw_record

with job_log(snakemake), raw_record(snakemake):
    ingest.run(
        acquisition=Acquisition.model_validate(snakemake.params.acquisition),
        **snakemake.params.frames,
        out=Path(snakemake.output.opd),
        frames_out=Path(snakemake.output.frames),
        config=IngestConfig.model_validate(snakemake.params.config),
        on_bad_frame=snakemake.params.on_bad_frame,
        storage=StorageConfig.model_validate(snakemake.params.storage),
        provenance=provenance(snakemake),
    )
