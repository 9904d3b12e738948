rule evaluate_score:
    output:
        measures="<results>/evaluation/score.json",
        page="<results>/evaluation/scoring.md",
    params:
        config=CONFIG.model_dump(
            mode="json",
            include={"score", "train_score", "evaluate", "simulate", "track", "series"},
        ),
        code=code("evaluate_score"),
    log:
        "<logs>/evaluate_score/score.log",
    benchmark:
        "<logs>/evaluate_score/score.tsv"
    threads: workflow.cores
    resources:
        mem_mb=scaled_mb(6000),
        runtime=scaled_min(120),
    conda:
        "../../envs/cpu.yaml"
    script:
        "../../scripts/evaluate_score.py"
