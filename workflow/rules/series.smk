rule series:
    input:
        tracks="<results>/{acquisition}/tracks.parquet",
    output:
        series="<results>/{acquisition}/series.parquet",
        cycles="<results>/{acquisition}/cell_cycles.parquet",
    params:
        frame_interval_min=lambda wildcards: ACQUISITIONS[wildcards.acquisition].frame_interval_min,
        config=section("series"),
        code=code_digest("series"),
    log:
        "<logs>/series/{acquisition}.log",
    benchmark:
        "<logs>/series/{acquisition}.tsv"
    resources:
        mem_mb=scaled_mb(2000),
        runtime=30,
    conda:
        "../../envs/cpu.yaml"
    script:
        "../../scripts/series.py"
