"""Rule transfer_quantify: own OPD and weights to start from -> weights trained on it, and the verdict."""

from pathlib import Path

from lensfree.config import QuantifyConfig, TrainQuantifyConfig, TransferQuantifyConfig
from lensfree.stages import transfer_quantify
from lensfree.stages.joblog import job_log, only_path, provenance

with job_log(snakemake):
    stacks = [Path(path) for path in snakemake.input.stacks]
    sections = snakemake.params.quantify
    transfer_quantify.run(
        out=Path(snakemake.output.verdict),
        own={name: [path for path in stacks if path.parts[-3] == name] for name in sections},
        quantify={name: QuantifyConfig.model_validate(section) for name, section in sections.items()},
        config=TransferQuantifyConfig.model_validate(snakemake.params.config),
        training=TrainQuantifyConfig.model_validate(snakemake.params.training),
        start=only_path(snakemake.input.start),
        code=snakemake.params.code,
        provenance=provenance(snakemake),
    )
