"""Rule compare: the tables of all tracked acquisitions -> one page on what differs between conditions."""

from pathlib import Path

from lensfree.config import CompareConfig
from lensfree.stages import compare
from lensfree.stages.joblog import job_log, provenance

TABLES = ("cycles", "scores", "series", "tracks")

with job_log(snakemake):
    tables = zip(*(snakemake.input[name] for name in TABLES), strict=True)
    compare.run(
        recorded=[
            compare.Recorded(**row, **dict(zip(TABLES, map(Path, paths), strict=True)))
            for row, paths in zip(snakemake.params.acquisitions, tables, strict=True)
        ],
        out=Path(snakemake.output.page),
        data=Path(snakemake.output.data),
        config=CompareConfig.model_validate(snakemake.params.config),
        provenance=provenance(snakemake),
    )
