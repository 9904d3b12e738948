"""Rule check: how every frame of an acquisition was read -> one table, the gate to what follows."""

from pathlib import Path

from lensfree.stages import check
from lensfree.stages.joblog import job_log, provenance

with job_log(snakemake):
    check.run(
        chunks=[Path(path) for path in snakemake.input.chunks],
        out=Path(snakemake.output.frames),
        acquisition=snakemake.wildcards.acquisition,
        provenance=provenance(snakemake),
    )
