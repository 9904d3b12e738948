# OPD of another microscope enters where reconstruct would have ended.
rule ingest:
    output:
        opd=kept("opd", "<results>/{acquisition}/opd/{chunk}.h5"),
        frames="<results>/{acquisition}/frames/{chunk}.parquet",
        raw="<results>/{acquisition}/raw/{chunk}.json",
    wildcard_constraints:
        acquisition=of_kind("opd"),
    params:
        acquisition=acquisition("z_um"),
        frames=frames_of,
        raw=raw(chunk_files),
        config=section("ingest"),
        on_bad_frame=lambda wildcards: CONFIGS[wildcards.acquisition].load.on_bad_frame,
        storage=section("storage"),
        code=code("ingest"),
    log:
        "<logs>/ingest/{acquisition}/{chunk}.log",
    benchmark:
        "<logs>/ingest/{acquisition}/{chunk}.tsv"
    priority: 90
    resources:
        mem_mb=asked_mb("ingest"),
        runtime=asked_min("ingest"),
    conda:
        "../../envs/cpu.yaml"
    script:
        "../../scripts/ingest.py"
