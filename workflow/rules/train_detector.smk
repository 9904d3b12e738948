rule train_detector:
    output:
        weights="<results>/models/detector.safetensors",
    params:
        config=CONFIG.train_score.model_dump(mode="json"),
        score=CONFIG.score.model_dump(mode="json"),
        code=code("train_detector"),
    log:
        "<logs>/train_detector/detector.log",
    benchmark:
        "<logs>/train_detector/detector.tsv"
    threads: workflow.cores
    resources:
        mem_mb=scaled_mb(4000),
        runtime=scaled_min(240),
    conda:
        "../../envs/gpu.yaml"
    script:
        "../../scripts/train_detector.py"
