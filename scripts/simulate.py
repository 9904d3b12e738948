"""Rule simulate: a world with known truth -> TIFF files, the truth table, and what went wrong."""

from pathlib import Path

from lensfree.acquisitions import Acquisition
from lensfree.config import OpticsConfig, SimulateConfig
from lensfree.stages import simulate
from lensfree.stages.joblog import job_log, provenance

with job_log(snakemake):
    simulate.run(
        acquisition=Acquisition.model_validate(snakemake.params.acquisition),
        config=SimulateConfig.model_validate(snakemake.params.config),
        optics=OpticsConfig.model_validate(snakemake.params.optics),
        out_dir=Path(snakemake.output.tiff),
        truth=Path(snakemake.output.truth),
        faults=Path(snakemake.output.faults),
        provenance=provenance(snakemake),
    )
