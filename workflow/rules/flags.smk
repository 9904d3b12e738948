rule flags:
    input:
        tracks="<results>/{acquisition}/tracks.parquet",
        series="<results>/{acquisition}/series.parquet",
        windows="<results>/{acquisition}/windows.parquet",
        scores="<results>/{acquisition}/scores.parquet",
    output:
        flags="<results>/{acquisition}/flags.csv",
        metadata="<results>/{acquisition}/flags.csv-metadata.json",
    params:
        n_highest=lambda wildcards: CONFIGS[wildcards.acquisition].report.anomalies,
        score=section("score"),
        code=code("flags"),
    log:
        "<logs>/flags/{acquisition}.log",
    benchmark:
        "<logs>/flags/{acquisition}.tsv"
    resources:
        mem_mb=asked_mb("flags"),
        runtime=asked_min("flags"),
    conda:
        "../../envs/cpu.yaml"
    script:
        "../../scripts/flags.py"
