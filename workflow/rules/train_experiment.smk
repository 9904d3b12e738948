rule train_experiment:
    input:
        series=dataset_series,
    output:
        model="<results>/experiments/models/{dataset}.{method}.safetensors",
    wildcard_constraints:
        method="stardusts|stardusts_plus",
    params:
        config=CONFIG.train_score.model_dump(mode="json"),
        score=lambda wildcards: CONFIG.score.model_dump(mode="json") | {"method": wildcards.method},
        code=code("train_experiment"),
    log:
        "<logs>/train_experiment/{dataset}.{method}.log",
    benchmark:
        "<logs>/train_experiment/{dataset}.{method}.tsv"
    threads: 2
    resources:
        mem_mb=scaled_mb(4000),
        runtime=scaled_min(240),
    conda:
        "../../envs/cpu.yaml"
    script:
        "../../scripts/train_experiment.py"
