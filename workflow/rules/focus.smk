rule focus:
    input:
        holograms="<results>/{acquisition}/holograms/0000.h5",
        gate=gate,
        weights=weights("reconstruct", "refine", method="accelerated"),
    output:
        focus="<results>/{acquisition}/focus.parquet",
    wildcard_constraints:
        acquisition=of_kind("hologram", "simulated"),
    params:
        acquisition=acquisition("background", "opd_unit"),
        optics=section("optics"),
        config=section("focus"),
        reconstruct=section("reconstruct"),
        code=code("focus"),
    log:
        "<logs>/focus/{acquisition}.log",
    benchmark:
        "<logs>/focus/{acquisition}.tsv"
    threads: 2
    resources:
        gpu=gpu_count("reconstruct"),
        mem_mb=asked_mb("focus", "reconstruct"),
        runtime=asked_min("focus"),
    conda:
        "../../envs/gpu.yaml"
    script:
        "../../scripts/focus.py"
