# Every tracked acquisition of the sheet; made by default where there are two or more.
rule compare:
    input:
        cycles=of_all_tracked("cell_cycles"),
        scores=of_all_tracked("scores"),
        series=of_all_tracked("series"),
        tracks=of_all_tracked("tracks"),
    output:
        page=report(
            "<results>/compare.html",
            category="comparison of conditions",
            labels={"page": "comparison"},
        ),
        data=directory("<results>/compare"),
    params:
        acquisitions=[
            {
                "acquisition": name,
                "kind": ACQUISITIONS[name].kind,
                "condition": ACQUISITIONS[name].condition,
                "well": (
                    f"{ACQUISITIONS[name].dataset} {ACQUISITIONS[name].well}"
                    if ACQUISITIONS[name].well
                    else name
                ),
            }
            for name in TRACKED
        ],
        config=CONFIG.compare.model_dump(mode="json"),
        code=code("compare"),
    log:
        "<logs>/compare/all.log",
    benchmark:
        "<logs>/compare/all.tsv"
    resources:
        mem_mb=scaled_mb(3000),
        runtime=60,
    conda:
        "../../envs/cpu.yaml"
    script:
        "../../scripts/compare.py"
