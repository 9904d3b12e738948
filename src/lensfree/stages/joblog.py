"""What every script shares: the job's log, and the job's own account of itself."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lensfree.origin import input_digests, seed_in, software, values_sha256


@contextmanager
def job_log(path: str | Path) -> Iterator[logging.Logger]:
    """Send logging, warnings and tracebacks of the block to `path`.

    An error ends the process with status 1: the traceback goes to the log, whose last line is the
    error's own sentence; that sentence also goes to stderr, where Snakemake shows it.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(target, mode="w", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    try:
        yield logging.getLogger("lensfree")
    except Exception as error:
        sentence = str(error) or type(error).__name__
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
    params = dict(job.params.items())
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


def only_path(files: str | Sequence[str]) -> Path | None:
    """Return the path of an input that may be absent, None if it is."""
    if isinstance(files, str):
        return Path(files)
    if len(files) > 1:
        raise ValueError(f"got {len(files)} files, expected one or none: {', '.join(files)}")
    return Path(files[0]) if files else None
