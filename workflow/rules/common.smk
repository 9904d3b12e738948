"""The acquisitions sheet, the configuration of each acquisition, and the chunks of its frames."""

import gc
import os
import re
import sys
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError

# The package is imported from here if it is not installed, as in a bare conda environment.
SOURCE = Path(workflow.basedir) / "src"
sys.path.insert(0, str(SOURCE))

from lensfree.acquisitions import read_sheet
from lensfree.chunks import background_plan, chunk_names, chunk_range
from lensfree.config_output import EXPORT_NAMES, OPD_FORMATS
from lensfree.digest import code_digest
from lensfree.io.tiff import list_frames
from lensfree.machine import share_with_jobs
from lensfree.model_files import weights_file
from lensfree.raw_files import raw_param
from lensfree.selection import select
from lensfree.sources import match_frames
from lensfree.validation import load_config

# What planning makes stays: looking for garbage in it as often as Python does by default took a fifth of the CPU time
# for 60 acquisitions.
gc.freeze()
gc.set_threshold(100_000, 50, 100)

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
# Folders of thousands of frames are looked through once.
matched_once = cache(match_frames)
# A job of a cluster reads the sheet again, and needs the files of its own acquisition only.
ACQUISITIONS = said(
    read_sheet,
    Path(CONFIG.acquisitions),
    CONFIG,
    check_files=workflow.is_main_process,
    match=matched_once,
)
CONFIGS = {name: a.config(CONFIG) for name, a in ACQUISITIONS.items()}
SOURCES = {
    name: (a.in_folder(Path(CONFIG.results) / name / "tiff") if a.kind == "simulated" else a)
    for name, a in ACQUISITIONS.items()
}
CHOSEN = said(select, CONFIG.only, ACQUISITIONS)


class Listed(dict):
    """The frames of recorded acquisitions by name, listed when asked for first: their folders are large."""

    def __contains__(self, name):
        return ACQUISITIONS[name].kind != "simulated"

    def __missing__(self, name):
        found, may_lack = ACQUISITIONS[name], CONFIGS[name].load.on_bad_frame == "gap"
        self[name] = said(
            list_frames,
            found.files,
            found.channels,
            may_lack_frames=may_lack,
            match=matched_once,
        )
        return self[name]


class Counted(dict):
    """How many frames an acquisition has by now."""

    def __missing__(self, name):
        self[name] = len(FRAMES[name]) if name in FRAMES else CONFIGS[name].simulate.frames
        return self[name]


FRAMES, N_FRAMES = Listed(), Counted()


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


# Parsing what every stage imports takes a second: that is for the stages of jobs only, and once.
digest_of = cache(code_digest)


def code(stage):
    """A params function: the fingerprint of the code behind a stage."""
    return lambda wildcards: digest_of(stage)


def acquisition(*without):
    """A params function: the acquisition as plain values, less what the stage does not use."""
    return lambda wildcards: SOURCES[wildcards.acquisition].as_params(*without)


def kept(word, path):
    """The path of a stack, `temp` if it is not to be kept: removed once every job that reads it has run."""
    return path if word in CONFIG.keep else temp(path)


include: "resources.smk"
