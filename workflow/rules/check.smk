"""The gate: what is expensive waits for it, but a longer acquisition must not compute again what it has."""


rule check:
    input:
        chunks=chunks("<results>/{acquisition}/frames/{chunk}.parquet"),
    output:
        frames="<results>/{acquisition}/frames.parquet",
    params:
        code=code("check"),
    log:
        "<logs>/check/{acquisition}.log",
    benchmark:
        "<logs>/check/{acquisition}.tsv"
    priority: 90
    resources:
        mem_mb=asked_mb("check"),
        runtime=asked_min("check"),
    conda:
        "../../envs/cpu.yaml"
    script:
        "../../scripts/check.py"
