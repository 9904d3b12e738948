"""Tracks in formats of other programs: one job per format."""


def exports():
    """The exports of every acquisition that is tracked, in the formats that it is configured with."""
    return [
        f"{CONFIG.results}/{name}/export/{EXPORT_NAMES[format]}"
        for name, a in ACQUISITIONS.items()
        if a.until == "report"
        for format in CONFIGS[name].export.formats
    ]


def export_settings(wildcards):
    """A params function: the section export without the list of formats, since a job makes one of them."""
    return CONFIGS[wildcards.acquisition].export.model_dump(mode="json", exclude={"formats"})


rule export:
    input:
        tracks="<results>/{acquisition}/tracks.parquet",
        opd=first_chunk("<results>/{acquisition}/opd/{chunk}.h5"),
    output:
        r"<results>/{acquisition}/export/{export,tracks\.(csv|xml)}",
    params:
        format=lambda wildcards: EXPORT_FORMATS[wildcards.export],
        n_frames=lambda wildcards: N_FRAMES[wildcards.acquisition],
        frame_interval_h=lambda wildcards: ACQUISITIONS[wildcards.acquisition].time_h(1),
        config=export_settings,
        code=code_digest("export"),
    log:
        "<logs>/export/{acquisition}/{export}.log",
    benchmark:
        "<logs>/export/{acquisition}/{export}.tsv"
    resources:
        mem_mb=scaled_mb(4000),
        runtime=60,
    conda:
        "../../envs/cpu.yaml"
    script:
        "../../scripts/export.py"


# The same for formats that are a folder, which Snakemake must be told of.
use rule export as export_folder with:
    output:
        directory(r"<results>/{acquisition}/export/{export,tracks\.geff|ctc}"),
