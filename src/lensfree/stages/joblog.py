"""What every script shares: the job's log, and the job's own account of itself."""

from __future__ import annotations

import json
import logging
import os
import platform
import resource
import socket
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import lensfree
from lensfree.machine import is_gpu_present
from lensfree.origin import input_digests, seed_in, software, values_sha256
from lensfree.progress import PARTS

PACKAGES = (
    *(
        "numpy",
        "scipy",
        "pandas",
        "numba",
        "scikit-image",
        "trackpy",
        "torch",
        "cupy-cuda13x",
        "cupy-cuda12x",
    ),
    *("h5py", "pyarrow", "tifffile", "pydantic", "matplotlib", "snakemake"),
)
"""Whose versions a log gives, as far as they are installed; they are read, not imported."""

FINISHED = "finished in"
"""What the last line of the log of a job that ended well begins with."""


@contextmanager
def job_log(job: Any) -> Iterator[logging.Logger]:
    """Send logging, warnings and tracebacks of the block to the job's log.

    It begins with what the job is, where it runs, with which versions, settings and seeds, and ends with its
    times. An error ends the process with status 1: the traceback goes to the log, whose last line is the
    error's own sentence; that sentence also goes to stderr, where Snakemake shows it.

    Args:
        job: the object `snakemake` of a script, or only the path of the log.
    """
    is_path = isinstance(job, (str, Path))
    target = Path(job if is_path else job.log[0])
    target.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(target, mode="w", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    logger = logging.getLogger("lensfree")
    start_s, start_cpu_s = time.monotonic(), time.process_time()
    PARTS.begin()
    try:
        for line in _opening(None if is_path else job):
            logger.info("%s", line)
        yield logger
        logger.info("%s", _times(start_s, start_cpu_s))
    except Exception as error:
        sentence = str(error) or type(error).__name__
        logger.error("failed; %s", _times(start_s, start_cpu_s).replace(FINISHED, "it ran"))
        handler.close()
        with open(target, "a", encoding="utf-8") as log:
            log.write(f"{traceback.format_exc()}\nerror: {sentence}\n")
        print(f"error: {sentence}", file=sys.stderr, flush=True)
        raise SystemExit(1) from None
    finally:
        logging.captureWarnings(False)
        root.setLevel(level)
        root.removeHandler(handler)
        handler.close()


def provenance(job: Any) -> dict[str, Any]:
    """Return what explains a job's results; no times and no machine, so that equal runs give equal files.

    Its rule, wildcards and params (configuration, digest of the code), and under `origin` the stage, the
    software's version and commit, the SHA-256 of the configuration and of each input, and the seed if there
    is one.

    Args:
        job: the object `snakemake` of a script.
    """
    params = settings_of(job)
    origin = {
        "stage": job.rule,
        **software(),
        "config_sha256": values_sha256({name: value for name, value in params.items() if name != "code"}),
        "inputs_sha256": input_digests(job.input),
    }
    seed = seed_in(params)
    if seed is not None:
        origin["seed"] = seed
    return {"rule": job.rule, **dict(job.wildcards.items()), **params, "origin": origin}


def settings_of(job: Any) -> dict[str, Any]:
    """Return the params of a job, less its raw files, whose times are not the same in equal runs."""
    return {name: value for name, value in job.params.items() if name != "raw"}


def only_path(files: str | Sequence[str]) -> Path | None:
    """Return the path of an input that may be absent, None if it is."""
    if isinstance(files, str):
        return Path(files)
    if len(files) > 1:
        raise ValueError(f"got {len(files)} files, expected one or none: {', '.join(files)}")
    return Path(files[0]) if files else None


def versions() -> dict[str, str]:
    """Return the versions of this package, of Python and of the installed ones among `PACKAGES`."""
    found = {"lensfree": lensfree.__version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def seeds_in(settings: Any, path: str = "") -> dict[str, Any]:
    """Return every setting called seed, or ending so, by its path such as `config.seed`."""
    if not isinstance(settings, Mapping):
        return {}
    found: dict[str, Any] = {}
    for name, value in settings.items():
        where = f"{path}.{name}" if path else str(name)
        found |= {where: value} if str(name).split("_")[-1] in ("seed", "seeds") else seeds_in(value, where)
    return found


def _opening(job: Any) -> list[str]:
    """Return the first lines of a log; without a job only where it runs and with what."""
    here = [
        f"process {os.getpid()} on {socket.gethostname()}, {_device()}",
        "versions: " + ", ".join(f"{name} {number}" for name, number in versions().items()),
    ]
    if job is None:
        return here
    wildcards = " ".join(f"{name}={value}" for name, value in job.wildcards.items())
    params = settings_of(job)
    seeds = ", ".join(f"{name}={value}" for name, value in seeds_in(params).items())
    return [
        f"job: {job.rule} {wildcards}".rstrip(),
        f"{here[0]}, {job.threads} threads granted",
        here[1],
        f"seed: {seeds or 'none, nothing is random'}",
        f"settings: {json.dumps(params, sort_keys=True, default=str)}",
    ]


def _device() -> str:
    """Return which devices there are; what a stage takes of them it says itself."""
    if not is_gpu_present():
        return "no GPU"
    return f"a GPU, CUDA_VISIBLE_DEVICES={os.environ.get('CUDA_VISIBLE_DEVICES', 'not set')}"


def _times(start_s: float, start_cpu_s: float) -> str:
    seconds, cpu_s = time.monotonic() - start_s, time.process_time() - start_cpu_s
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak_mb = peak / (1e6 if sys.platform == "darwin" else 1e3)  # bytes there, kilobytes elsewhere
    parts = f"; {PARTS.line()}" if PARTS.line() else ""
    return f"{FINISHED} {seconds:.1f} s, {cpu_s:.1f} s of CPU, at most {peak_mb:.0f} MB of memory{parts}"
