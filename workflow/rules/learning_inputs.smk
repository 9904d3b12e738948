"""What training and evaluation read: acquisitions, models and real data."""


def transfer_stacks(wildcards):
    """The OPD of the acquisitions that transfer_quantify learns from and judges by."""
    files = []
    for name in CONFIG.transfer_quantify.acquisitions:
        if name not in ACQUISITIONS:
            known = ", ".join(ACQUISITIONS)
            raise WorkflowError(
                f"transfer_quantify.acquisitions: '{name}' is not in the sheet, which has {known}"
            )
        names = chunk_names(N_FRAMES[name], CONFIG.frames_per_chunk)
        files += expand("<results>/{acquisition}/opd/{chunk}.h5", acquisition=name, chunk=names)
    return files


def real_movie(training):
    """The movie of real cells that a training learns from too; a relative path counts from the project."""
    name = training.real_movie
    return [] if name == "none" else [os.path.relpath(Path(workflow.basedir) / name)]


def real_stills(wildcards):
    """The images of real cells that join the movie, none without a movie."""
    if CONFIG.train_unwrap.real_movie == "none":
        return []
    return [os.path.relpath(Path(workflow.basedir) / name) for name in CONFIG.train_unwrap.real_stills]


def real_samples():
    """The demo's folder of real samples; evaluation measures in those that no training uses."""
    return os.path.relpath(Path(workflow.basedir) / "demo" / "real")


AREA_SECTIONS = {
    "recon": ("optics", "fields", "load", "focus", "reconstruct", "evaluate"),
}


def area_inputs(wildcards):
    """The models and real data that an area is measured with, named as its stage names them."""
    refine = {"refine_weights": model_of(CONFIG.reconstruct.refine)}
    needed = {
        "recon": {
            **refine,
            "real": real_samples(),
        },
    }
    return needed[wildcards.area]


def experiment_data_sets(wildcards):
    """The series of the data sets of an experiment; the one that is trained on comes first."""
    known = {a.dataset for a in ACQUISITIONS.values() if a.until == "report"}
    names = said(CONFIG.experiment.data_sets, wildcards.experiment, known)
    return {name: series_of(name) for name in names}


def experiment_inputs(wildcards):
    """The series and models of an experiment, and the verdicts of experiment one."""
    data_sets = experiment_data_sets(wildcards)
    trained = list(data_sets) if wildcards.experiment == "two" else list(data_sets)[:1]
    found = {
        "series": [path for paths in data_sets.values() for path in paths],
        "models": expand(
            f"{CONFIG.results}/experiments/models/{{dataset}}.{{method}}.safetensors",
            dataset=trained,
            method=["stardusts", "stardusts_plus"],
        ),
    }
    if wildcards.experiment == "one":
        found["annotations"] = list(CONFIG.experiment.annotations)
    return found
