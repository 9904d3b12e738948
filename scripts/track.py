"""Rule track: the cells of every frame -> cells with identity, mother and lineage, and the events."""

from pathlib import Path

from lensfree.config import TrackConfig
from lensfree.stages import track
from lensfree.stages.joblog import job_log, provenance

with job_log(snakemake):
    track.run(
        cells=[Path(path) for path in snakemake.input.cells],
        out=Path(snakemake.output.tracks),
        events=Path(snakemake.output.events),
        config=TrackConfig.model_validate(snakemake.params.config),
        provenance=provenance(snakemake),
    )
