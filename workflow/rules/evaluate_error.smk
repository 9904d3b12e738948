rule evaluate_error:
    input:
        refine=lambda wildcards: model_of(CONFIG.reconstruct.refine),
        weights=lambda wildcards: model_of(CONFIG.quantify.model),
        calibrations=shipped_calibrations(),
    output:
        measures="<results>/evaluation/error.json",
        figure="<results>/evaluation/calibration.png",
    params:
        config=CONFIG.model_dump(
            mode="json",
            include={"optics", "fields", "reconstruct", "quantify", "evaluate"},
        ),
        code=code("evaluate_error"),
    log:
        "<logs>/evaluate_error/error.log",
    benchmark:
        "<logs>/evaluate_error/error.tsv"
    threads: workflow.cores
    resources:
        mem_mb=scaled_mb(6000),
        runtime=scaled_min(120),
    conda:
        "../../envs/gpu.yaml"
    script:
        "../../scripts/evaluate_error.py"
