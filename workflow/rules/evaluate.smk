rule evaluate:
    input:
        unpack(area_inputs),
    output:
        measures="<results>/evaluation/{area}.json",
    wildcard_constraints:
        area=one_of(AREA_SECTIONS),
    params:
        config=lambda wildcards: CONFIG.model_dump(mode="json", include=set(AREA_SECTIONS[wildcards.area])),
        code=lambda wildcards: digest_of(f"evaluate_{wildcards.area}"),
    log:
        "<logs>/evaluate/{area}.log",
    benchmark:
        "<logs>/evaluate/{area}.tsv"
    threads: workflow.cores
    resources:
        mem_mb=scaled_mb(6000),
        runtime=scaled_min(120),
    conda:
        "../../envs/gpu.yaml"
    script:
        "../../scripts/evaluate.py"
