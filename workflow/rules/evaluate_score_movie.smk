rule evaluate_score_movie:
    input:
        weights=lambda wildcards: model_of(CONFIG.quantify.model),
        detector=lambda wildcards: model_of("detector"),
        real=real_samples(),
        verdicts=movie_verdicts(),
    output:
        measures="<results>/evaluation/score_movie.json",
        page="<results>/evaluation/scoring_livecyte.md",
        figure="<results>/evaluation/scoring_livecyte.png",
    params:
        config=CONFIG.model_dump(mode="json", include={"quantify", "track", "series", "score"}),
        code=code("evaluate_score_movie"),
    log:
        "<logs>/evaluate_score_movie/score_movie.log",
    benchmark:
        "<logs>/evaluate_score_movie/score_movie.tsv"
    resources:
        mem_mb=scaled_mb(3000),
        runtime=60,
    conda:
        "../../envs/cpu.yaml"
    script:
        "../../scripts/evaluate_score_movie.py"
