# Loading comes first, so that a frame that cannot be read stops the run before anything expensive.
rule load:
    input:
        simulated=simulated_files,
        background="<results>/{acquisition}/background.h5",
    output:
        holograms=kept("holograms", "<results>/{acquisition}/holograms/{chunk}.h5"),
        frames="<results>/{acquisition}/frames/{chunk}.parquet",
        raw="<results>/{acquisition}/raw/{chunk}.json",
    wildcard_constraints:
        acquisition=of_kind("hologram", "simulated"),
    params:
        acquisition=acquisition("z_um", "opd_unit", "background"),
        frames=frames_of,
        raw=raw(chunk_files),
        on_bad_frame=lambda wildcards: CONFIGS[wildcards.acquisition].load.on_bad_frame,
        storage=section("storage"),
        code=code("load"),
    log:
        "<logs>/load/{acquisition}/{chunk}.log",
    benchmark:
        "<logs>/load/{acquisition}/{chunk}.tsv"
    priority: 90
    resources:
        mem_mb=asked_mb("load"),
        runtime=asked_min("load"),
    conda:
        "../../envs/cpu.yaml"
    script:
        "../../scripts/load.py"
