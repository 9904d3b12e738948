rule train_forecast:
    output:
        weights="<results>/models/forecast.safetensors",
    params:
        config=CONFIG.train_score.model_dump(mode="json"),
        score=CONFIG.score.model_dump(mode="json"),
        code=code("train_forecast"),
    log:
        "<logs>/train_forecast/forecast.log",
    benchmark:
        "<logs>/train_forecast/forecast.tsv"
    threads: workflow.cores
    resources:
        mem_mb=scaled_mb(4000),
        runtime=scaled_min(240),
    conda:
        "../../envs/gpu.yaml"
    script:
        "../../scripts/train_forecast.py"
