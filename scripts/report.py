"""Rule report: everything known of an acquisition -> one page, one picture, and their numbers."""

from pathlib import Path

from lensfree.acquisitions import Acquisition
from lensfree.config import ReportConfig, ScoreConfig
from lensfree.stages import report
from lensfree.stages.joblog import job_log, only_path, provenance

MANY = ("holograms", "opd", "cells")
ONE = ("frames", "focus", "tracks", "series", "windows", "scores", "truth", "faults", "events")

with job_log(snakemake):
    report.run(
        acquisition=Acquisition.model_validate(snakemake.params.acquisition),
        **{name: [Path(path) for path in snakemake.input[name]] for name in MANY},
        **{name: only_path(snakemake.input[name]) for name in ONE},
        out=Path(snakemake.output.page),
        summary=Path(snakemake.output.summary),
        data=Path(snakemake.output.data),
        config=ReportConfig.model_validate(snakemake.params.config),
        score=ScoreConfig.model_validate(snakemake.params.score),
        provenance=provenance(snakemake),
    )
