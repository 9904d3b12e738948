rule quantify:
    input:
        opd="<results>/{acquisition}/opd/{chunk}.h5",
        gate=gate,
        weights=weights("quantify", "model", method="cnn"),
        calibrations=shipped_calibrations(),
    output:
        cells="<results>/{acquisition}/cells/{chunk}.parquet",
    params:
        config=section("quantify"),
        n_colours=n_colours,
        code=code("quantify"),
    log:
        "<logs>/quantify/{acquisition}/{chunk}.log",
    benchmark:
        "<logs>/quantify/{acquisition}/{chunk}.tsv"
    threads: 2
    resources:
        gpu=gpu_count("quantify"),
        mem_mb=asked_mb("quantify", "quantify"),
        runtime=asked_min("quantify"),
    conda:
        "../../envs/gpu.yaml"
    script:
        "../../scripts/quantify.py"
