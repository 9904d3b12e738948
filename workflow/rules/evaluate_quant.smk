rule evaluate_quant:
    input:
        refine=lambda wildcards: model_of(CONFIG.reconstruct.refine),
        weights=lambda wildcards: model_of(CONFIG.quantify.model),
        real=real_samples(),
    output:
        measures="<results>/evaluation/quant.json",
        page="<results>/evaluation/quantification.md",
        figure="<results>/evaluation/quantification.png",
    params:
        config=CONFIG.model_dump(
            mode="json",
            include={"optics", "fields", "reconstruct", "quantify", "evaluate"},
        ),
        code=code("evaluate_quant"),
    log:
        "<logs>/evaluate_quant/quant.log",
    benchmark:
        "<logs>/evaluate_quant/quant.tsv"
    threads: workflow.cores
    resources:
        mem_mb=scaled_mb(6000),
        runtime=scaled_min(120),
    conda:
        "../../envs/gpu.yaml"
    script:
        "../../scripts/evaluate_quant.py"
