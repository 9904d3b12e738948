rule background:
    input:
        simulated=simulated_files,
    output:
        background="<results>/{acquisition}/background.h5",
        raw="<results>/{acquisition}/raw/background.json",
    wildcard_constraints:
        acquisition=of_kind("hologram", "simulated"),
    params:
        acquisition=acquisition("z_um", "opd_unit"),
        plan=background_frames,
        raw=raw(background_files),
        config=section("load"),
        storage=section("storage"),
        code=code("background"),
    log:
        "<logs>/background/{acquisition}.log",
    benchmark:
        "<logs>/background/{acquisition}.tsv"
    priority: 90
    resources:
        mem_mb=asked_mb("background"),
        runtime=asked_min("background"),
    conda:
        "../../envs/cpu.yaml"
    script:
        "../../scripts/background.py"
