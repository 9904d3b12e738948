"""Rule train_unwrap: simulated fields -> the CNN between the two descents."""

from pathlib import Path

from lensfree.config import FieldsConfig, OpticsConfig, ReconstructConfig, TrainUnwrapConfig
from lensfree.stages import train_unwrap
from lensfree.stages.joblog import job_log, only_path

with job_log(snakemake):
    train_unwrap.run(
        out=Path(snakemake.output.weights),
        work=Path(snakemake.output.weights).with_suffix(".work"),
        config=TrainUnwrapConfig.model_validate(snakemake.params.config),
        fields=FieldsConfig.model_validate(snakemake.params.fields),
        optics=OpticsConfig.model_validate(snakemake.params.optics),
        reconstruct=ReconstructConfig.model_validate(snakemake.params.reconstruct),
        movie=only_path(snakemake.input.movie),
        stills=[Path(path) for path in snakemake.input.stills],
        card={"name": "unwrap", "version": "own", "code": snakemake.params.code},
    )
