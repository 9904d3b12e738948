rule reconstruct:
    input:
        holograms="<results>/{acquisition}/holograms/{chunk}.h5",
        focus="<results>/{acquisition}/focus.parquet",
        gate=gate,
        weights=weights("reconstruct", "refine", method="accelerated"),
    output:
        opd=kept("opd", "<results>/{acquisition}/opd/{chunk}.h5"),
    wildcard_constraints:
        acquisition=of_kind("hologram", "simulated"),
    params:
        optics=section("optics"),
        focus=section("focus"),
        config=section("reconstruct"),
        storage=section("storage"),
        code=code("reconstruct"),
    log:
        "<logs>/reconstruct/{acquisition}/{chunk}.log",
    benchmark:
        "<logs>/reconstruct/{acquisition}/{chunk}.tsv"
    threads: 2
    resources:
        gpu=gpu_count("reconstruct"),
        mem_mb=asked_mb("reconstruct", "reconstruct"),
        runtime=asked_min("reconstruct"),
    conda:
        "../../envs/gpu.yaml"
    script:
        "../../scripts/reconstruct.py"
