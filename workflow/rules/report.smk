rule report:
    input:
        # Pictures of holograms are not worth reading every raw file again.
        holograms=report_of_kind(
            chunks("<results>/{acquisition}/holograms/{chunk}.h5"),
            *(("hologram", "simulated") if "holograms" in CONFIG.keep else ()),
        ),
        opd=chunks("<results>/{acquisition}/opd/{chunk}.h5"),
        frames="<results>/{acquisition}/frames.parquet",
        focus=report_of_kind("<results>/{acquisition}/focus.parquet", "hologram", "simulated"),
        truth=report_of_kind("<results>/{acquisition}/truth.parquet", "simulated"),
        faults=report_of_kind("<results>/{acquisition}/faults.parquet", "simulated"),
        cells=report_cells,
        tracks=report_tables("tracks"),
        series=report_tables("series"),
        windows=report_tables("windows"),
        scores=report_tables("scores"),
        events=report_tables("lineage_events"),
    output:
        page=report(
            "<results>/{acquisition}/report.html",
            category="{acquisition}",
            labels={"page": "report"},
        ),
        summary=report(
            "<results>/{acquisition}/summary.png",
            category="{acquisition}",
            labels={"page": "summary"},
        ),
        data=directory("<results>/{acquisition}/report"),
    params:
        acquisition=lambda wildcards: ACQUISITIONS[wildcards.acquisition].model_dump(mode="json"),
        config=section("report"),
        score=section("score"),
        code=code("report"),
    log:
        "<logs>/report/{acquisition}.log",
    benchmark:
        "<logs>/report/{acquisition}.tsv"
    resources:
        mem_mb=asked_mb("report"),
        runtime=asked_min("report"),
    conda:
        "../../envs/cpu.yaml"
    script:
        "../../scripts/report.py"
