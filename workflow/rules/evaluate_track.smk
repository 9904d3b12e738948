rule evaluate_track:
    input:
        refine=lambda wildcards: model_of(CONFIG.reconstruct.refine),
        weights=lambda wildcards: model_of(CONFIG.quantify.model),
        real=real_samples(),
    output:
        measures="<results>/evaluation/track.json",
        page="<results>/evaluation/tracking_livecyte.md",
        figure="<results>/evaluation/tracking_livecyte.png",
    params:
        config=CONFIG.model_dump(
            mode="json",
            include={
                *("simulate", "optics", "fields", "storage", "load", "focus"),
                *("reconstruct", "quantify", "track", "evaluate", "frames_per_chunk"),
            },
        ),
        code=code("evaluate_track"),
    log:
        "<logs>/evaluate_track/track.log",
    benchmark:
        "<logs>/evaluate_track/track.tsv"
    threads: workflow.cores
    resources:
        mem_mb=scaled_mb(9000),
        runtime=scaled_min(240),
    conda:
        "../../envs/gpu.yaml"
    script:
        "../../scripts/evaluate_track.py"
