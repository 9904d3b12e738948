"""Rule focus: the first holograms -> distance and lateral shift of every channel."""

from pathlib import Path

from lensfree.acquisitions import Acquisition
from lensfree.config import FocusConfig, OpticsConfig, ReconstructConfig
from lensfree.stages import focus
from lensfree.stages.joblog import job_log, only_path, provenance

with job_log(snakemake):
    focus.run(
        holograms=Path(snakemake.input.holograms),
        out=Path(snakemake.output.focus),
        acquisition=Acquisition.model_validate(snakemake.params.acquisition),
        optics=OpticsConfig.model_validate(snakemake.params.optics),
        config=FocusConfig.model_validate(snakemake.params.config),
        reconstruct=ReconstructConfig.model_validate(snakemake.params.reconstruct),
        weights=only_path(snakemake.input.weights),
        provenance=provenance(snakemake),
    )
