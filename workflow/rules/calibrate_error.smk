rule calibrate_error:
    input:
        refine=lambda wildcards: model_of(CONFIG.reconstruct.refine),
        weights=lambda wildcards: model_of(CONFIG.quantify.model),
        # Entries of other models are kept; that they are written back must not make this run again.
        known=ancient(shipped_calibrations()),
    output:
        calibrations="<results>/models/standard_error.json",
    params:
        config=CONFIG.model_dump(
            mode="json",
            include={"optics", "fields", "reconstruct", "quantify", "calibrate_error"},
        ),
        code=code("calibrate_error"),
    log:
        "<logs>/calibrate_error/standard_error.log",
    benchmark:
        "<logs>/calibrate_error/standard_error.tsv"
    threads: workflow.cores
    resources:
        mem_mb=scaled_mb(6000),
        runtime=scaled_min(120),
    conda:
        "../../envs/gpu.yaml"
    script:
        "../../scripts/calibrate_error.py"
