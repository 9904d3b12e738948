"""Rule background: an image or the acquisition's own frames -> open-beam counts."""

from pathlib import Path

from lensfree.acquisitions import Acquisition
from lensfree.config import LoadConfig, StorageConfig
from lensfree.stages import background
from lensfree.stages.joblog import job_log, provenance
from lensfree.stages.raw_record import raw_record

with job_log(snakemake), raw_record(snakemake):
    background.run(
        acquisition=Acquisition.model_validate(snakemake.params.acquisition),
        **snakemake.params.plan,
        out=Path(snakemake.output.background),
        config=LoadConfig.model_validate(snakemake.params.config),
        storage=StorageConfig.model_validate(snakemake.params.storage),
        provenance=provenance(snakemake),
    )
