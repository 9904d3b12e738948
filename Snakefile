"""lensfree: raw lens-free holograms -> dry-mass histories -> anomaly scores.

One word names a stage everywhere: its rule in workflow/rules/<word>.smk, scripts/<word>.py,
src/lensfree/stages/<word>.py, and its section of config.yaml.
"""

from snakemake.utils import min_version

min_version("9.19")


configfile: "config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/inputs.smk"
include: "workflow/rules/page_inputs.smk"
include: "workflow/rules/learning_inputs.smk"


for word in (
    *("simulate", "background", "load", "ingest", "check", "focus", "reconstruct"),
    *("quantify", "track", "series", "score", "flags", "report", "export", "compare"),
    *("train_unwrap", "train_quantify", "transfer_quantify", "train_score", "train_forecast"),
    *("train_detector", "train_experiment", "experiment", "calibrate_error", "evaluate"),
    *("evaluate_quant", "evaluate_error", "evaluate_track", "evaluate_score", "evaluate_score_movie"),
):

    include: f"workflow/rules/{word}.smk"


localrules:
    all,
    train,


rule all:
    default_target: True
    input:
        expand("<results>/{acquisition}/report.html", acquisition=CHOSEN),
        for_people(),


rule train:
    input:
        "<results>/models/unwrap.safetensors",
        "<results>/models/quantify.safetensors",
        "<results>/models/forecast.safetensors",
        "<results>/models/detector.safetensors",
