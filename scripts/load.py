"""Rule load: the TIFF files of a chunk of frames -> counts in HDF5."""

from pathlib import Path

from lensfree.acquisitions import Acquisition
from lensfree.config import StorageConfig
from lensfree.stages import load
from lensfree.stages.joblog import job_log, provenance
from lensfree.stages.raw_record import raw_record

with job_log(snakemake), raw_record(snakemake):
    load.run(
        acquisition=Acquisition.model_validate(snakemake.params.acquisition),
        **snakemake.params.frames,
        background=Path(snakemake.input.background),
        out=Path(snakemake.output.holograms),
        frames_out=Path(snakemake.output.frames),
        on_bad_frame=snakemake.params.on_bad_frame,
        storage=StorageConfig.model_validate(snakemake.params.storage),
        provenance=provenance(snakemake),
    )
