rule train_quantify:
    input:
        refine=lambda wildcards: model_of(CONFIG.reconstruct.refine),
        movie=lambda wildcards: real_movie(CONFIG.train_quantify),
    output:
        weights="<results>/models/quantify.safetensors",
    params:
        config=CONFIG.train_quantify.model_dump(mode="json"),
        fields=CONFIG.fields.model_dump(mode="json"),
        optics=CONFIG.optics.model_dump(mode="json"),
        quantify=CONFIG.quantify.model_dump(mode="json"),
        reconstruct=CONFIG.reconstruct.model_dump(mode="json"),
        code=code("train_quantify"),
    log:
        "<logs>/train_quantify/quantify.log",
    benchmark:
        "<logs>/train_quantify/quantify.tsv"
    threads: workflow.cores
    resources:
        mem_mb=scaled_mb(8000),
        runtime=scaled_min(720),
    conda:
        "../../envs/gpu.yaml"
    script:
        "../../scripts/train_quantify.py"
