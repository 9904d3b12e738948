rule experiment:
    input:
        unpack(experiment_inputs),
    output:
        found="<results>/experiments/{experiment}.json",
        page="<results>/experiments/{experiment}.md",
    wildcard_constraints:
        experiment="one|two",
    params:
        score=CONFIG.score.model_dump(mode="json", exclude={"method"}),
        seed=CONFIG.train_score.seed,
        data_sets=experiment_data_sets,
        code=code("experiment"),
    log:
        "<logs>/experiment/{experiment}.log",
    benchmark:
        "<logs>/experiment/{experiment}.tsv"
    threads: 2
    resources:
        mem_mb=scaled_mb(4000),
        runtime=scaled_min(120),
    conda:
        "../../envs/cpu.yaml"
    script:
        "../../scripts/experiment.py"


use rule experiment as experiment_three with:
    output:
        found="<results>/experiments/{experiment}.json",
        page="<results>/experiments/{experiment}.md",
        figure="<results>/experiments/{experiment}.png",
    wildcard_constraints:
        experiment="three",
