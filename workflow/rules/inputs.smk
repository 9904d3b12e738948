"""Which files a rule reads; what depends on the acquisition is found here."""


def chunks(pattern):
    """An input function: the files of every chunk of the acquisition."""

    def files(wildcards):
        names = chunk_names(N_FRAMES[wildcards.acquisition], CONFIG.frames_per_chunk)
        return expand(pattern, acquisition=wildcards.acquisition, chunk=names)

    return files


def frames_of(wildcards):
    """The first frame of a chunk and how many it has."""
    span = said(
        chunk_range,
        wildcards.chunk,
        N_FRAMES[wildcards.acquisition],
        CONFIG.frames_per_chunk,
    )
    return {"first_frame": span.start, "n_frames": len(span)}


def source_files(name, frames):
    """The recorded files that hold these frames, as far as they exist."""
    if name not in FRAMES:
        return []
    chosen = [FRAMES[name][frame] for frame in frames]
    # Those of a frame without a reason were there when they were listed.
    return sorted(
        {name for source in chosen for name in source.names if not source.reason or Path(name).is_file()}
    )


def background_frames(wildcards):
    """How the background of an acquisition is found and from which frames."""
    name = wildcards.acquisition
    method, frames = background_plan(
        CONFIGS[name].load,
        N_FRAMES[name],
        CONFIG.frames_per_chunk,
        is_image_given=bool(SOURCES[name].background),
    )
    return {"method": method, "frames": frames}


def background_files(wildcards):
    name, plan = wildcards.acquisition, background_frames(wildcards)
    files = source_files(name, plan["frames"])
    if plan["method"] == "image" and SOURCES[name].background:
        listed = said(
            list_frames,
            SOURCES[name].background,
            SOURCES[name].channels,
            match=matched_once,
        )
        files += [name for source in listed for name in source.names]
    return sorted(set(files))


def chunk_files(wildcards):
    """The source files of a chunk of frames."""
    span = frames_of(wildcards)
    frames = range(span["first_frame"], span["first_frame"] + span["n_frames"])
    return source_files(wildcards.acquisition, frames)


def simulated_files(wildcards):
    """The folder of simulated files; recorded ones are params, since there are too many of them."""
    return [] if wildcards.acquisition in FRAMES else f"<results>/{wildcards.acquisition}/tiff"


def raw(files):
    """A params function: the raw files that a job reads, and a word for what is in them."""

    def param(wildcards):
        record = f"{wildcards.acquisition}/raw/{wildcards.get('chunk', 'background')}.json"
        return raw_param(files(wildcards), Path(CONFIG.results) / record)

    return param


@cache
def model_of(name):
    """The weights of a model by its name, nothing for `none`; looked up once, not for every chunk."""
    path = said(weights_file, name, MODELS)
    return () if path is None else (os.path.relpath(path),)


def shipped_calibrations():
    """The calibrations of the standard error of dry mass, nothing where there are none."""
    path = MODELS / "standard_error.json"
    return [os.path.relpath(path)] if path.is_file() else []


def n_colours(wildcards):
    """How many colours the OPD is reconstructed from; 0 if it comes from another microscope."""
    source = SOURCES[wildcards.acquisition]
    return 0 if source.kind == "opd" else len(set(source.wavelength_nm))


def weights(word, field, **needs):
    """An input function: the weights that a stage is configured with, nothing if it needs none."""

    def files(wildcards):
        settings = getattr(CONFIGS[wildcards.acquisition], word)
        is_needed = all(getattr(settings, key) == value for key, value in needs.items())
        return model_of(getattr(settings, field)) if is_needed else []

    return files


def score_model(wildcards):
    """The shipped model if the configuration insists on it, else that of the data set."""
    settings = CONFIGS[wildcards.acquisition].score
    if settings.model == "shipped":
        return model_of(settings.shipped)
    dataset = ACQUISITIONS[wildcards.acquisition].dataset
    return f"{CONFIG.results}/datasets/{dataset}/score_model.safetensors"


def dataset_series(wildcards):
    """The series of every tracked acquisition of the data set."""
    return series_of(wildcards.dataset)


def series_of(dataset):
    """The series of every tracked acquisition of a data set."""
    names = [name for name, a in ACQUISITIONS.items() if (a.dataset, a.until) == (dataset, "report")]
    return [f"{CONFIG.results}/{name}/series.parquet" for name in names]


def first_chunk(pattern):
    """An input function: the file of the acquisition's first chunk, for what all chunks have alike."""
    return lambda wildcards: chunks(pattern)(wildcards)[:1]


def gate(wildcards):
    """The table for which every frame was read: what is expensive waits for it, not for its contents.

    A chunk that it has let pass before takes it as it lies. Were it a dependency still, Snakemake would leave
    out, while the acquisition grows, whether the settings of the earlier chunks have changed.
    """
    folder = f"{CONFIG.results}/{wildcards.acquisition}"
    table, chunk = f"{folder}/frames.parquet", f"{folder}/frames/{wildcards.get('chunk', '0000')}.parquet"
    is_passed = Path(table).is_file() and Path(chunk).is_file()
    return ancient(before_update(table) if is_passed else table)
