rule score:
    input:
        series="<results>/{acquisition}/series.parquet",
        events="<results>/{acquisition}/lineage_events.parquet",
        model=score_model,
    output:
        windows="<results>/{acquisition}/windows.parquet",
        scores="<results>/{acquisition}/scores.parquet",
    params:
        config=section("score"),
        code=code("score"),
    log:
        "<logs>/score/{acquisition}.log",
    benchmark:
        "<logs>/score/{acquisition}.tsv"
    threads: 2
    resources:
        mem_mb=asked_mb("score"),
        runtime=asked_min("score"),
    conda:
        "../../envs/cpu.yaml"
    script:
        "../../scripts/score.py"
