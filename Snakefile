"""lensfree: raw lens-free holograms -> dry-mass histories -> anomaly scores.

One word names a stage everywhere: its rule in workflow/rules/<word>.smk, scripts/<word>.py,
src/lensfree/stages/<word>.py, and its section of config.yaml.
"""

from snakemake.utils import min_version

min_version("9.19")


configfile: "config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/inputs.smk"
include: "workflow/rules/simulate.smk"
include: "workflow/rules/background.smk"
include: "workflow/rules/load.smk"
include: "workflow/rules/ingest.smk"
include: "workflow/rules/inspect.smk"
include: "workflow/rules/focus.smk"
include: "workflow/rules/reconstruct.smk"
include: "workflow/rules/quantify.smk"
include: "workflow/rules/track.smk"
include: "workflow/rules/series.smk"
include: "workflow/rules/score.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/train_unwrap.smk"
include: "workflow/rules/train_quantify.smk"
include: "workflow/rules/train_score.smk"
include: "workflow/rules/train_forecast.smk"
include: "workflow/rules/evaluate.smk"


localrules:
    all,
    train,


rule all:
    default_target: True
    input:
        expand("<results>/{acquisition}/report.html", acquisition=ACQUISITIONS),


rule train:
    input:
        "<results>/models/unwrap.safetensors",
        "<results>/models/quantify.safetensors",
        "<results>/models/forecast.safetensors",
