"""Which files pages and exports read; what depends on the acquisition is found here."""

TRACKED = [name for name in CHOSEN if ACQUISITIONS[name].until == "report"]


def of_all_tracked(word):
    """A table of every acquisition that is tracked."""
    return [f"{CONFIG.results}/{name}/{word}.parquet" for name in TRACKED]


def report_tables(word):
    """An input function: a table of the acquisition, none if it stops before tracking."""
    return lambda wildcards: (
        f"{CONFIG.results}/{wildcards.acquisition}/{word}.parquet"
        if ACQUISITIONS[wildcards.acquisition].until == "report"
        else []
    )


def report_of_kind(files, *kinds):
    """An input function: files that only acquisitions of these kinds have."""

    def existing(wildcards):
        if ACQUISITIONS[wildcards.acquisition].kind not in kinds:
            return []
        return files(wildcards) if callable(files) else files.format(**wildcards)

    return existing


def report_cells(wildcards):
    is_tracked = ACQUISITIONS[wildcards.acquisition].until == "report"
    return chunks("<results>/{acquisition}/cells/{chunk}.parquet")(wildcards) if is_tracked else []


def opd_in_words(wildcards):
    """What a reader of exported OPD should know besides the pixels."""
    source, config = SOURCES[wildcards.acquisition], CONFIGS[wildcards.acquisition]
    return {
        "wavelength_nm": list(source.wavelength_nm),
        "n_medium": config.optics.n_medium,
        **config.quantify.model_dump(include={"specific_refraction_increment_um3_per_pg"}),
        "is_simulated": source.kind == "simulated",
    }


def for_people():
    """Exports in the formats that an acquisition is configured with, and flags, of one that is not tracked OPD
    alone; where several are tracked, their comparison."""
    compared = [f"{CONFIG.results}/compare.html"] if len(TRACKED) > 1 else []
    return compared + [
        f"{CONFIG.results}/{name}/{file}"
        for name in CHOSEN
        for a in (ACQUISITIONS[name],)
        for file in (
            *(
                f"export/{EXPORT_NAMES[format]}"
                for format in CONFIGS[name].export.formats
                if a.until == "report" or format in OPD_FORMATS
            ),
            *(["flags.csv"] if a.until == "report" else []),
        )
    ]
