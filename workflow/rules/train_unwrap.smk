rule train_unwrap:
    input:
        movie=lambda wildcards: real_movie(CONFIG.train_unwrap),
        stills=real_stills,
    output:
        weights="<results>/models/unwrap.safetensors",
    params:
        config=CONFIG.train_unwrap.model_dump(mode="json"),
        fields=CONFIG.fields.model_dump(mode="json"),
        optics=CONFIG.optics.model_dump(mode="json"),
        reconstruct=CONFIG.reconstruct.model_dump(mode="json"),
        code=code("train_unwrap"),
    log:
        "<logs>/train_unwrap/unwrap.log",
    benchmark:
        "<logs>/train_unwrap/unwrap.tsv"
    threads: workflow.cores
    resources:
        mem_mb=scaled_mb(8000),
        runtime=scaled_min(720),
    conda:
        "../../envs/gpu.yaml"
    script:
        "../../scripts/train_unwrap.py"
