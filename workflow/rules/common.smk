"""The acquisitions sheet, the configuration of each acquisition, and the chunks of its frames."""

import os
import re
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

# The package is imported from here if it is not installed, as in a bare conda environment.
SOURCE = Path(workflow.basedir) / "src"
sys.path.insert(0, str(SOURCE))

from lensfree.acquisitions import read_sheet
from lensfree.chunks import background_plan, chunk_names, chunk_range
from lensfree.config_output import EXPORT_NAMES
from lensfree.digest import code_digest
from lensfree.io.tiff import list_frames
from lensfree.machine import is_gpu_present, share_with_jobs
from lensfree.model_files import weights_file
from lensfree.validation import load_config

MODELS = Path(workflow.basedir) / "models"
EXPORT_FORMATS = {name: format for format, name in EXPORT_NAMES.items()}
share_with_jobs(SOURCE)


def said(make, *args, **kwargs):
    """Call `make`; what it has to say about a wrong setting or file ends the run as one sentence."""
    try:
        return make(*args, **kwargs)
    except (ValueError, OSError) as error:
        raise WorkflowError(str(error)) from None


CONFIG = said(load_config, config)
# What <results> stands for in paths; snakefmt cannot parse the directive `pathvars:` yet.
workflow.register_pathvars(results=CONFIG.results)
ACQUISITIONS = said(read_sheet, Path(CONFIG.acquisitions), CONFIG)
CONFIGS = {name: a.config(CONFIG) for name, a in ACQUISITIONS.items()}
SOURCES = {
    name: (a.in_folder(Path(CONFIG.results) / name / "tiff") if a.kind == "simulated" else a)
    for name, a in ACQUISITIONS.items()
}
FRAMES = {
    name: said(list_frames, a.files, a.channels, may_lack_frames=CONFIGS[name].load.on_bad_frame == "gap")
    for name, a in ACQUISITIONS.items()
    if a.kind != "simulated"
}
N_FRAMES = {
    name: len(FRAMES[name]) if name in FRAMES else CONFIGS[name].simulate.frames for name in ACQUISITIONS
}


def one_of(names):
    """A wildcard constraint that matches these names only; none if there are none."""
    return "|".join(re.escape(name) for name in names) or "(?!)"


def of_kind(*kinds):
    """A wildcard constraint that matches the acquisitions of these kinds only."""
    return one_of(name for name, a in ACQUISITIONS.items() if a.kind in kinds)


wildcard_constraints:
    acquisition=one_of(ACQUISITIONS),
    dataset=one_of(sorted({a.dataset for a in ACQUISITIONS.values()})),
    chunk=r"\d{4}",


def section(word):
    """A params function: the acquisition's configuration of a stage, as plain values."""
    return lambda wildcards: getattr(CONFIGS[wildcards.acquisition], word).model_dump(mode="json")


def acquisition(*without):
    """A params function: the acquisition as plain values, less what the stage does not use."""
    return lambda wildcards: SOURCES[wildcards.acquisition].as_params(*without)


def gpu_count(word):
    """A resource function: 1 if the stage will ask for a GPU."""

    def count(wildcards):
        wish = getattr(CONFIGS[wildcards.acquisition], word).device
        return int(wish == "cuda" or (wish == "auto" and is_gpu_present()))

    return count


def scaled_mb(base_mb):
    """A resource function: memory that grows with each attempt; retries are set in the profile."""
    return lambda wildcards, attempt: base_mb * attempt


def for_people():
    """Exports and flags of every acquisition that is tracked; where there are several, their comparison."""
    compared = [f"{CONFIG.results}/compare.html"] if len(TRACKED) > 1 else []
    return compared + [
        f"{CONFIG.results}/{name}/{file}"
        for name, a in ACQUISITIONS.items()
        if a.until == "report"
        for file in (
            *(f"export/{EXPORT_NAMES[format]}" for format in CONFIGS[name].export.formats),
            "flags.csv",
        )
    ]
