"""Rule reconstruct: holograms of a chunk -> OPD and absorption maps."""

from pathlib import Path

from lensfree.config import FocusConfig, OpticsConfig, ReconstructConfig, StorageConfig
from lensfree.stages import reconstruct
from lensfree.stages.joblog import job_log, only_path, provenance

with job_log(snakemake):
    reconstruct.run(
        holograms=Path(snakemake.input.holograms),
        focus=Path(snakemake.input.focus),
        out=Path(snakemake.output.opd),
        optics=OpticsConfig.model_validate(snakemake.params.optics),
        focus_config=FocusConfig.model_validate(snakemake.params.focus),
        config=ReconstructConfig.model_validate(snakemake.params.config),
        storage=StorageConfig.model_validate(snakemake.params.storage),
        weights=only_path(snakemake.input.weights),
        provenance=provenance(snakemake),
    )
