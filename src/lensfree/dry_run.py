"""What Snakemake would run, read from its own graph of jobs after a dry run.

Reasons are looked up in Snakemake's objects and in its record of earlier runs. These are not a stable
interface: a job whose reason cannot be read is planned with one that says so, and a graph that cannot
be read is an error that names the ordinary dry run.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from snakemake.api import DAGApi
from snakemake.cli import args_to_api, parse_args

from lensfree.changes import find_changes, join
from lensfree.plan import UNKNOWN, PlannedJob
from lensfree.raw_files import changed, read_record, states

_ERRORS = (AttributeError, KeyError, TypeError, LookupError)


class PlanError(RuntimeError):
    """There is no plan; the message is what Snakemake said."""


def dry_run(arguments: Sequence[str]) -> tuple[list[PlannedJob], int]:
    """Return the jobs that would run, and how many acquisitions were asked for.

    Args:
        arguments: as one gives them to `snakemake`: targets, `--config`, `--until` ...

    Raises:
        PlanError: if Snakemake refuses, or its graph cannot be read.
    """
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said), _watched() as found:
        parser, args = parse_args(["--quiet", "rules", "progress", "--dry-run", *arguments])
        is_done = args_to_api(args, parser)
    if not is_done or not found:
        raise PlanError(_fault(said.getvalue()))
    return found[0]


def _fault(said: str) -> str:
    """Return what Snakemake said from its first error on, without the page about machine and paths before."""
    lines = said.strip().splitlines()
    first = next((n for n, line in enumerate(lines) if "Error" in line or "Exception" in line), 0)
    return "\n".join(lines[first:])


@contextmanager
def _watched() -> Iterator[list[tuple[list[PlannedJob], int]]]:
    """Read every graph of jobs that Snakemake plans in the block."""
    found: list[tuple[list[PlannedJob], int]] = []
    original = DAGApi.execute_workflow

    def execute(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        try:
            found.append(_read(self.workflow_api._workflow))
        except _ERRORS as error:
            raise PlanError(
                f"this version of Snakemake keeps its plan elsewhere ({error}); see it with: snakemake -n"
            ) from error

    DAGApi.execute_workflow = execute
    try:
        yield found
    finally:
        DAGApi.execute_workflow = original


def _read(workflow: Any) -> tuple[list[PlannedJob], int]:
    order = {rule.name: number for number, rule in enumerate(workflow.rules)}
    graph = _Graph(workflow, order)
    waiting = [job for job in workflow.dag.needrun_jobs() if len(job.output)]
    waiting.sort(key=lambda job: (order[job.rule.name], [str(path) for path in job.output]))
    jobs = [PlannedJob(job.rule.name, _of(job), graph.frames(job), graph.why(job)) for job in waiting]
    return jobs, len(graph.asked)


def _of(job: Any) -> str:
    wildcards = dict(job.wildcards.items())
    if "dataset" in wildcards:
        return f"data set {wildcards['dataset']}"
    return str(next(iter(wildcards.values()), ""))


class _Graph:
    """The graph of jobs, and what is known of their earlier runs."""

    def __init__(self, workflow: Any, order: Mapping[str, int]) -> None:
        self._dag, self._persistence, self._order = workflow.dag, workflow.persistence, order
        self._run = workflow.async_run
        self.asked: set[str] = set()
        self._made: set[tuple[str, str]] = set()
        self._n_frames: dict[tuple[str, str], int] = {}
        for job in self._dag.jobs:
            name = dict(job.wildcards.items()).get("acquisition")
            if name is None:
                continue
            self.asked.add(name)
            if any(self._is_known(path) for path in job.output):
                self._made.add((job.rule.name, name))
            if "frames" in dict(job.params.items()) and isinstance(job.params["frames"], dict):
                self._n_frames[name, job.wildcards.get("chunk", "")] = job.params["frames"]["n_frames"]
        self._begun = {name for _, name in self._made}

    def frames(self, job: Any) -> int:
        """Return how many frames a job works on, 0 if it takes the acquisition whole."""
        wildcards = dict(job.wildcards.items())
        return self._n_frames.get((wildcards.get("acquisition", ""), wildcards.get("chunk", "none")), 0)

    def why(self, job: Any) -> str:
        """Return why a job would run, in words."""
        try:
            return self._why(job)
        except _ERRORS:
            return UNKNOWN

    def _why(self, job: Any) -> str:
        reason, name = self._dag.reason(job), dict(job.wildcards.items()).get("acquisition")
        if reason.forced:
            # Half-made files are forced by the profile's rerun-incomplete.
            is_half_made = self._run(self._persistence.incomplete(job))
            return "was interrupted" if is_half_made else "asked for with --force"
        if name is not None and name not in self._begun:
            return "new acquisition"
        if reason.missing_output:
            return self._why_missing(job, reason.missing_output)
        if reason.updated_input:
            return self._why_newer(job, [str(path) for path in reason.updated_input])
        if reason.params_changed:
            return self._why_params(job)
        if reason.input_changed:
            return self._why_input(job)
        if reason.software_stack_changed:
            return "changed software environment"
        if reason.updated_input_run:
            return f"after {self._stages(self._dag.dependencies[job])}"
        return UNKNOWN

    def _why_missing(self, job: Any, missing: Any) -> str:
        again = [path for path in missing if self._is_recorded(path)]
        if not again:
            wildcards = dict(job.wildcards.items())
            is_longer = "chunk" in wildcards and (job.rule.name, wildcards["acquisition"]) in self._made
            return "more frames" if is_longer else "not made before"
        if all(path in job.temp_output for path in again):
            frames = [change.text for change in self._changes(job) if change.kind == "frames"]
            if frames:
                return f"more frames ({frames[0]})"
            readers = [reader for reader, files in self._dag.depending[job].items() if files & set(again)]
            return f"not kept (see keep), read by {self._stages(readers)}"
        return f"result is missing: {join([Path(path).name for path in sorted(again)])}"

    def _stages(self, jobs: Iterable[Any]) -> str:
        words = {job.rule.name for job in jobs if self._dag.needrun(job)}
        return ", ".join(sorted(words, key=lambda word: self._order[word]))

    def _why_newer(self, job: Any, newer: list[str]) -> str:
        record = self._record(job)
        before = set(record.input or ()) if record is not None else None
        if before is not None and any(path not in before for path in newer):
            changes = [c.text for c in self._changes(job) if c.kind == "frames"]
            return f"more frames ({changes[0]})" if changes else "more frames"
        models = [path for path in newer if path.endswith((".safetensors", "standard_error.json"))]
        names = join(sorted(Path(path).name for path in models or newer))
        return f"changed weights: {names}" if models else f"changed file: {names}"

    def _why_params(self, job: Any) -> str:
        changes = self._changes(job)
        settings = [change.text for change in changes if change.kind == "setting"]
        frames = [change.text for change in changes if change.kind == "frames"]
        raw = next((change for change in changes if change.kind == "raw"), None)
        words = []
        if frames:
            is_longer = raw is not None and (not raw.text or self._is_newer(job, raw.added))
            words.append(f"{'more' if is_longer else 'other'} frames ({frames[0]})")
        elif raw is not None:
            words.append(f"reads other files: {raw.text}" if raw.text else self._why_contents(job))
        if settings:
            words.append(f"changed setting: {join(settings)}")
        if any(change.kind == "code" for change in changes):
            words.append(f"changed code of {job.rule.name}")
        return "; ".join(words) or "changed setting, which one is not known"

    def _why_contents(self, job: Any) -> str:
        record = read_record(Path(job.output.raw))
        names = changed(record, states(job.params.raw["files"])) if record is not None else []
        return f"changed file: {join([Path(name).name for name in names])}" if names else "changed raw files"

    def _is_newer(self, job: Any, names: Sequence[str]) -> bool:
        """Return whether one of these raw files is newer than what the job made before."""
        made = max((Path(path).stat().st_mtime for path in job.output if Path(path).exists()), default=0)
        return any(Path(name).stat().st_mtime > made for name in names)

    def _why_input(self, job: Any) -> str:
        record = self._record(job)
        before = set(record.input or ())
        now = {str(path) for path in job.input}
        words = [
            f"{sign} {join(sorted(_short(path) for path in paths))}"
            for sign, paths in (("with", now - before), ("without", before - now))
            if paths
        ]
        return "reads other files: " + ", ".join(words)

    def _changes(self, job: Any) -> list[Any]:
        record = self._record(job)
        recorded = record.params if record is not None else None
        return find_changes(job.rule.name, dict(job.params.items()), recorded) if recorded else []

    def _record(self, job: Any) -> Any:
        records = (self._persistence.metadata(path) for path in job.output)
        return next((record for record in records if record is not None), None)

    def _is_recorded(self, path: Any) -> bool:
        return self._persistence.metadata(path) is not None

    def _is_known(self, path: Any) -> bool:
        return Path(path).exists() or self._is_recorded(path)


def _short(path: str) -> str:
    return "/".join(Path(path).parts[-2:])
