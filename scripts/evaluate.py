"""Rule evaluate: one area of the pipeline, measured on held-out seeds and real data."""

from importlib import import_module
from pathlib import Path

from lensfree.config import Config
from lensfree.stages.joblog import job_log, only_path, provenance
from lensfree.stages.measures import write_measures

with job_log(snakemake):
    area = snakemake.wildcards.area
    stage = import_module(f"lensfree.stages.evaluate_{area}")
    measures = stage.run(
        config=Config.model_validate(snakemake.params.config),
        **{name: only_path(files) for name, files in snakemake.input.items()},
    )
    write_measures(
        Path(snakemake.output.measures), measures, f"make evaluate ONLY={area}", provenance(snakemake)
    )
