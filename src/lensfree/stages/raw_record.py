"""What every job that reads raw files leaves beside its results: which files, and what they held."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lensfree.raw_files import read_digests, states
from lensfree.stages.joblog import provenance
from lensfree.stages.measures import write_json


@contextmanager
def raw_record(job: Any) -> Iterator[None]:
    """Record the raw files that the block reads in the job's output `raw`.

    Planning compares them with it (see `lensfree.raw_files`); it is written last, so that a job that
    fails leaves none.

    Args:
        job: the object `snakemake` of a script, with the param and the output `raw`.
    """
    before = states(job.params.raw["files"])
    yield
    entries = {"contents": job.params.raw["contents"], "files": read_digests(before)}
    write_json(Path(job.output.raw), entries, provenance=provenance(job))
