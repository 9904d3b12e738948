rule series:
    input:
        tracks="<results>/{acquisition}/tracks.parquet",
    output:
        series="<results>/{acquisition}/series.parquet",
        cycles="<results>/{acquisition}/cell_cycles.parquet",
    params:
        frame_interval_min=lambda wildcards: ACQUISITIONS[wildcards.acquisition].frame_interval_min,
        config=section("series"),
        code=code("series"),
    log:
        "<logs>/series/{acquisition}.log",
    benchmark:
        "<logs>/series/{acquisition}.tsv"
    resources:
        mem_mb=asked_mb("series"),
        runtime=asked_min("series"),
    conda:
        "../../envs/cpu.yaml"
    script:
        "../../scripts/series.py"
