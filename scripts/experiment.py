"""Rule experiment: models and data sets -> an experiment of StArDusTS, beside its published figures."""

from pathlib import Path

from lensfree.config import ScoreConfig
from lensfree.stages import experiment
from lensfree.stages.joblog import job_log, provenance

with job_log(snakemake):
    names = snakemake.params.data_sets
    figure = snakemake.output.get("figure")
    models = [Path(path) for path in snakemake.input.models]
    experiment.run(
        experiment=snakemake.wildcards.experiment,
        inputs=experiment.Inputs(
            series={name: [Path(path) for path in paths] for name, paths in names.items()},
            models={tuple(path.stem.rsplit(".", 1)): path for path in models},
            annotations=[Path(path) for path in snakemake.input.get("annotations", [])],
        ),
        out=Path(snakemake.output.found),
        page=Path(snakemake.output.page),
        figure=Path(figure) if figure else None,
        config=ScoreConfig.model_validate(snakemake.params.score),
        seed=snakemake.params.seed,
        provenance=provenance(snakemake),
    )
