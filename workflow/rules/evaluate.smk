AREA_SECTIONS = {
    "recon": ("optics", "fields", "load", "focus", "reconstruct", "evaluate"),
    "quant": ("optics", "fields", "reconstruct", "quantify", "evaluate"),
    "track": ("simulate", "track", "evaluate"),
    "score": ("score", "train_score", "evaluate"),
}


def area_inputs(wildcards):
    """The models and real data that an area is measured with, named as its stage names them."""
    refine = {"refine_weights": model_of(CONFIG.reconstruct.refine)}
    quantify = {"quantify_weights": model_of(CONFIG.quantify.model)}
    needed = {
        "recon": {
            **refine,
            "real": os.path.relpath(Path(workflow.basedir) / "demo" / "real"),
        },
        "quant": {**refine, **quantify},
        "track": {},
        "score": {"forecast_weights": model_of(CONFIG.score.shipped_model)},
    }
    return needed[wildcards.area]


rule evaluate:
    input:
        unpack(area_inputs),
    output:
        measures="<results>/evaluation/{area}.json",
    wildcard_constraints:
        area=one_of(AREA_SECTIONS),
    params:
        config=lambda wildcards: CONFIG.model_dump(mode="json", include=set(AREA_SECTIONS[wildcards.area])),
        code=lambda wildcards: code_digest(f"evaluate_{wildcards.area}"),
    log:
        "<logs>/evaluate/{area}.log",
    benchmark:
        "<logs>/evaluate/{area}.tsv"
    threads: workflow.cores
    resources:
        mem_mb=scaled_mb(6000),
        runtime=120,
    conda:
        "../../envs/gpu.yaml"
    script:
        "../../scripts/evaluate.py"
