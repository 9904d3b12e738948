"""Rule train_quantify: simulated and reconstructed fields -> the CNN from OPD to representations."""

from pathlib import Path

from lensfree.config import FieldsConfig, OpticsConfig, QuantifyConfig, ReconstructConfig, TrainQuantifyConfig
from lensfree.stages import train_quantify
from lensfree.stages.joblog import job_log, only_path

with job_log(snakemake):
    train_quantify.run(
        out=Path(snakemake.output.weights),
        work=Path(snakemake.output.weights).with_suffix(".work"),
        config=TrainQuantifyConfig.model_validate(snakemake.params.config),
        fields=FieldsConfig.model_validate(snakemake.params.fields),
        optics=OpticsConfig.model_validate(snakemake.params.optics),
        reconstruct=ReconstructConfig.model_validate(snakemake.params.reconstruct),
        refine_weights=only_path(snakemake.input.refine),
        movie=only_path(snakemake.input.movie),
        quantify=QuantifyConfig.model_validate(snakemake.params.quantify),
        card={"name": "quantify", "version": "own", "code": snakemake.params.code},
    )
