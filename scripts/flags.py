"""Rule flags: scores -> the table of series that a person is asked about."""

from pathlib import Path

from lensfree.config import ScoreConfig
from lensfree.stages import flags
from lensfree.stages.joblog import job_log, provenance

with job_log(snakemake):
    flags.run(
        **{name: Path(snakemake.input[name]) for name in ("tracks", "series", "windows", "scores")},
        out=Path(snakemake.output.flags),
        n_highest=snakemake.params.n_highest,
        score=ScoreConfig.model_validate(snakemake.params.score),
        provenance=provenance(snakemake),
    )
