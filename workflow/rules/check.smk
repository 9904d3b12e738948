"""The gate: what is expensive waits for it, but a longer acquisition must not compute again what it has."""


def gate(wildcards):
    """The table for which every frame was read: what is expensive waits for it, not for its contents.

    A chunk that it has let pass before takes it as it lies. Were it a dependency still, Snakemake would leave
    out, while the acquisition grows, whether the settings of the earlier chunks have changed.
    """
    folder = f"{CONFIG.results}/{wildcards.acquisition}"
    table, chunk = f"{folder}/frames.parquet", f"{folder}/frames/{wildcards.get('chunk', '0000')}.parquet"
    is_passed = Path(table).is_file() and Path(chunk).is_file()
    return ancient(before_update(table) if is_passed else table)


rule check:
    input:
        chunks=chunks("<results>/{acquisition}/frames/{chunk}.parquet"),
    output:
        frames="<results>/{acquisition}/frames.parquet",
    params:
        code=code_digest("check"),
    log:
        "<logs>/check/{acquisition}.log",
    benchmark:
        "<logs>/check/{acquisition}.tsv"
    priority: 90
    resources:
        mem_mb=asked_mb("check"),
        runtime=asked_min("check"),
    conda:
        "../../envs/cpu.yaml"
    script:
        "../../scripts/check.py"
