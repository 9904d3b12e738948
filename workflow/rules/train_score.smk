rule train_score:
    input:
        series=dataset_series,
        shipped=lambda wildcards: model_of(CONFIG.score.shipped),
    output:
        model="<results>/datasets/{dataset}/score_model.safetensors",
    params:
        config=CONFIG.train_score.model_dump(mode="json"),
        score=CONFIG.score.model_dump(mode="json"),
        code=code("train_score"),
    log:
        "<logs>/train_score/{dataset}.log",
    benchmark:
        "<logs>/train_score/{dataset}.tsv"
    threads: 2
    resources:
        mem_mb=scaled_mb(4000),
        runtime=scaled_min(240),
    conda:
        "../../envs/gpu.yaml"
    script:
        "../../scripts/train_score.py"
