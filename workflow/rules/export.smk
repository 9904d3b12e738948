rule export:
    input:
        tracks="<results>/{acquisition}/tracks.parquet",
        opd=first_chunk("<results>/{acquisition}/opd/{chunk}.h5"),
    output:
        r"<results>/{acquisition}/export/{export,tracks\.xml}",
    params:
        format=lambda wildcards: EXPORT_FORMATS[wildcards.export],
        n_frames=lambda wildcards: N_FRAMES[wildcards.acquisition],
        frame_interval_h=lambda wildcards: ACQUISITIONS[wildcards.acquisition].time_h(1),
        # Without the list of formats, since a job makes one of them.
        config=lambda wildcards: CONFIGS[wildcards.acquisition].export.model_dump(
            mode="json", exclude={"formats", "opd_dtype"}
        ),
        code=code("export"),
    log:
        "<logs>/export/{acquisition}/{export}.log",
    benchmark:
        "<logs>/export/{acquisition}/{export}.tsv"
    resources:
        mem_mb=asked_mb("export"),
        runtime=asked_min("export"),
    conda:
        "../../envs/cpu.yaml"
    script:
        "../../scripts/export.py"


# The same for CSV, whose metadata stand beside it.
use rule export as export_csv with:
    output:
        r"<results>/{acquisition}/export/{export,tracks\.csv}",
        "<results>/{acquisition}/export/{export}-metadata.json",


# The same for formats that are a folder, which Snakemake must be told of.
use rule export as export_folder with:
    output:
        directory(r"<results>/{acquisition}/export/{export,tracks\.geff|ctc}"),


# Formats of OPD take every chunk and no tracks.
use rule export as export_opd with:
    input:
        opd=chunks("<results>/{acquisition}/opd/{chunk}.h5"),
    output:
        r"<results>/{acquisition}/export/{export,opd\.ome\.tif}",
    params:
        format=lambda wildcards: EXPORT_FORMATS[wildcards.export],
        n_frames=lambda wildcards: N_FRAMES[wildcards.acquisition],
        frame_interval_h=lambda wildcards: ACQUISITIONS[wildcards.acquisition].time_h(1),
        config=lambda wildcards: CONFIGS[wildcards.acquisition].export.model_dump(
            mode="json", include={"opd_dtype"}
        ),
        about=opd_in_words,
        code=code("export"),


use rule export_opd as export_opd_folder with:
    output:
        directory(r"<results>/{acquisition}/export/{export,opd\.ome\.zarr}"),
