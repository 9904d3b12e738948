"""The workflow is clean to Snakemake's own eye and runs when a scheduler starts its jobs."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml
import yte
from conftest import ROOT, Workplace, hear_interrupts, write_frame

from lensfree.contracts import FRAMES
from lensfree.io.tables import read_table

pytestmark = pytest.mark.workflow

PATIENCE_S = 600
"""How long to wait on a busy machine; on a quiet one everything here takes seconds."""

STRICT = """#!/bin/sh
# A scheduler that ends what asks for less than 1000 MB, as if its memory had not been enough.
case " $* " in
  *" --rule load "*)
    case " $* " in *" --mem-mb "[0-9][0-9][0-9]" "*)
      for jobscript; do :; done
      echo "exit 1" > "$jobscript" ;;
    esac ;;
esac
exec {submit} "$@"
"""
SLEEPERS = """
rule all:
    input:
        expand("slept/{n}", n=range(2)),

rule sleep:
    output:
        "slept/{n}",
    shell:
        "echo $$ > pid.{wildcards.n}; echo begun > {output}; sleep 900"
"""


class Generic:
    """The generic profile with its scripts by their whole paths, for a run outside of the project."""

    def __init__(self, project: Path, folder: Path):
        self.scripts = project / "profiles" / "generic"
        self.folder = folder
        self.folder.mkdir()
        profile = yaml.safe_load((self.scripts / "profile.yaml").read_text(encoding="utf-8"))
        self.commands = {
            f"--cluster-generic-{name}-cmd": self.in_full(profile[f"cluster-generic-{name}-cmd"])
            for name in ("submit", "status", "cancel")
        }

    def in_full(self, command: str) -> str:
        assert command.startswith("profiles/generic/")
        return str(self.scripts.parents[1] / command)

    def arguments(self) -> list[str]:
        commands = [part for pair in self.commands.items() for part in pair]
        return ["--workflow-profile", str(self.scripts), *commands, "--seconds-between-status-checks", "1"]

    def environment(self, place: Workplace) -> dict[str, str]:
        return {**place.environment(), "TMPDIR": str(self.folder)}

    def asked(self, rule: str) -> list[dict[str, str]]:
        """Return what each job of a rule asked for, the first one first."""
        paths = sorted(
            self.folder.glob(f"lensfree_jobs_*/{rule}.*/asked"), key=lambda path: path.stat().st_mtime
        )
        return [dict(pair.split("=") for pair in path.read_text().split()) for path in paths]


@pytest.fixture
def raw(tmp_path) -> Workplace:
    """Raw files and nothing computed, beside the project itself."""
    place = Workplace(ROOT, tmp_path / "raw_place")
    for frame in range(3):
        write_frame(place.folder, frame)
    return place


@pytest.fixture
def generic(tmp_path) -> Generic:
    return Generic(ROOT, tmp_path / "tmp")


def test_lint(raw):
    assert "your workflow is in a good condition" in raw.run("--lint")


def test_jobs_run_when_a_scheduler_starts_them_and_ask_for_more_after_a_failure(raw, generic, monkeypatch):
    submit = generic.commands["--cluster-generic-submit-cmd"]
    strict = generic.folder / "strict.sh"
    strict.write_text(STRICT.replace("{submit}", submit.split()[0]), encoding="utf-8")
    strict.chmod(0o755)
    generic.commands["--cluster-generic-submit-cmd"] = " ".join([str(strict), *submit.split()[1:]])
    monkeypatch.setenv("TMPDIR", str(generic.folder))
    raw.run(*generic.arguments(), "--", "results/plate/frames.parquet")
    assert len(read_table(raw.results() / "frames.parquet", FRAMES)) == 3
    asked = generic.asked("load")
    assert sorted(int(job["mem_mb"]) for job in asked) == [800, 800, 1600, 1600]
    assert {(int(job["mem_mb"]), int(job["runtime_min"])) for job in asked} == {(800, 15), (1600, 30)}
    assert [job["mem_mb"] for job in generic.asked("check")] == ["800"]
    assert {(job["cores"], job["gpu"]) for job in asked} == {("1", "0")}


def test_the_failure_of_a_job_is_told_with_its_log_and_its_reason(raw, generic, monkeypatch):
    broken = raw.folder / "raw" / "f001_2.tif"
    os.truncate(broken, broken.stat().st_size // 2)
    raw.config["load"] = {**raw.config["load"], "background": "none"}
    monkeypatch.setenv("TMPDIR", str(generic.folder))
    said = raw.run(
        *generic.arguments(),
        "--retries",
        "0",
        "--keep-going",
        "--",
        "results/plate/background.h5",
        is_ok=False,
    )
    assert "Error in rule background" in said
    assert "logs/background/plate.log" in said
    log = (raw.folder / "logs" / "background" / "plate.log").read_text(encoding="utf-8")
    assert "f001_2.tif" in log.splitlines()[-1]
    assert log.splitlines()[-1] in said
    [scheduler_log] = (raw.folder / "logs" / "generic").glob("background.*.log")
    assert "f001_2.tif" in scheduler_log.read_text(encoding="utf-8")
    assert not (raw.results() / "background.h5").exists()


def test_an_interrupted_run_cancels_its_jobs(raw, generic, tmp_path):
    folder = tmp_path / "sleepers"
    folder.mkdir()
    (folder / "Snakefile").write_text(SLEEPERS, encoding="utf-8")
    told = tmp_path / "said.txt"
    # Snakemake 9 forgets the jobs whose states it is just asking for when it is interrupted.
    seldom = ("--seconds-between-status-checks", "15")
    with open(told, "w", encoding="utf-8") as said:
        running = subprocess.Popen(
            [*raw.command()[:3], *generic.arguments(), *seldom],
            cwd=folder,
            env=generic.environment(raw),
            stdout=said,
            stderr=said,
            preexec_fn=hear_interrupts,
        )
    jobs = [folder / f"pid.{n}" for n in range(2)]
    try:
        assert wait_for(lambda: all(path.exists() and path.read_text().strip() for path in jobs))
        pids = [int(path.read_text()) for path in jobs]
        assert all(is_alive(pid) for pid in pids)
        running.send_signal(signal.SIGINT)
        running.wait(timeout=PATIENCE_S)
    finally:
        running.kill()
        running.wait()
    assert running.returncode != 0
    assert wait_for(lambda: not any(is_alive(pid) for pid in pids), 60), told.read_text(encoding="utf-8")
    for path in generic.folder.glob("lensfree_jobs_*/sleep.*"):
        assert state_in_the_end(generic, path.name) == "failed"


def wait_for(condition, seconds: float = PATIENCE_S) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.2)
    return False


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def status_of(generic: Generic, job: str) -> str:
    command = [generic.commands["--cluster-generic-status-cmd"], job]
    environment = {**os.environ, "TMPDIR": str(generic.folder)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def submit(generic: Generic, text: str, *arguments: str) -> str:
    """Submit a job script by hand, and return the job's id."""
    script = generic.folder / "job.sh"
    script.write_text(text, encoding="utf-8")
    command = [generic.commands["--cluster-generic-submit-cmd"].split()[0], *arguments, str(script)]
    environment = {**os.environ, "TMPDIR": str(generic.folder)}
    done = subprocess.run(
        command, env=environment, cwd=generic.folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def state_in_the_end(generic: Generic, job: str) -> str:
    end = time.monotonic() + 60
    while status_of(generic, job) == "running" and time.monotonic() < end:
        time.sleep(0.1)
    return status_of(generic, job)


def test_a_job_says_how_it_ended_and_is_ended_when_its_time_is_over(generic):
    assert state_in_the_end(generic, submit(generic, "echo word", "--rule", "a")) == "success"
    assert state_in_the_end(generic, submit(generic, "exit 3", "--rule", "b")) == "failed"
    slow = submit(generic, "sleep 900", "--rule", "c", "--runtime-min", "0.01")
    assert state_in_the_end(generic, slow) == "failed"
    log = (generic.folder / "logs" / "generic" / f"{slow}.log").read_text(encoding="utf-8")
    assert "ended after 0.01 min, the time it was given" in log


def test_a_job_whose_machine_went_down_has_failed(generic):
    job = submit(generic, "sleep 900", "--rule", "a")
    [folder] = generic.folder.glob(f"lensfree_jobs_*/{job}")
    end = time.monotonic() + 30
    while not (folder / "pid").exists() and time.monotonic() < end:
        time.sleep(0.1)
    assert status_of(generic, job) == "running"
    session = int((folder / "pid").read_text())
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            if path.read_text().rsplit(")", 1)[1].split()[3] == str(session):
                os.kill(int(path.parent.name), signal.SIGKILL)
        except (OSError, IndexError):
            continue
    assert state_in_the_end(generic, job) == "failed"
    assert status_of(generic, "never.submitted") == "failed"


def test_a_gpu_job_asks_for_one_gpu_and_for_the_memory_of_cuda(raw):
    asked = {}
    for device, more in (("cuda", ()), ("cpu", ()), ("auto", ("--set-resources", "reconstruct:gpu=1"))):
        raw.config["reconstruct"] = {**raw.config["reconstruct"], "device": device}
        target = "results/plate/opd/0000.h5"
        asked[device] = raw.run("--quiet", "host", "--dry-run", *more, "--", target).split(
            "rule reconstruct"
        )[1]
    assert "gpu=1" in asked["cuda"] and "gpu=1" in asked["auto"] and "gpu=1" not in asked["cpu"]
    megabytes = {device: int(text.split("mem_mb=")[1].split(",")[0]) for device, text in asked.items()}
    assert 3000 <= megabytes["cuda"] - megabytes["cpu"] <= 4000
    assert megabytes["auto"] == megabytes["cuda"]


def profile(name: str) -> dict:
    path = ROOT / "profiles" / name / "profile.yaml"
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("devices", "visible", "gpu_jobs"),
    [(0, None, 1), (1, None, 1), (4, None, 4), (4, "2,3", 2), (4, "", 1), (1, "0,1", 1)],
)
def test_the_workstation_lets_as_many_gpu_jobs_run_as_there_are_devices(
    monkeypatch, devices, visible, gpu_jobs
):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    path = ROOT / "profiles" / "default" / "profile.yaml"
    text = path.read_text(encoding="utf-8")
    monkeypatch.setattr(Path, "glob", lambda folder, pattern: iter([folder / "nvidia"] * devices))
    made = yte.process_yaml(text, require_use_yte=True)
    memory_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e6
    gpu, memory = (resource.split("=") for resource in made["resources"])
    assert gpu == ["gpu", str(gpu_jobs)]
    assert memory[0] == "mem_mb" and 0.89 * memory_mb < int(memory[1]) <= 0.9 * memory_mb
    assert made["cores"] == "all"
    assert not any(key.startswith("__") for key in made)


@pytest.mark.parametrize("name", ["slurm", "generic"])
def test_profiles_of_clusters_send_a_job_again_and_keep_what_is_right(name):
    kept = profile(name)
    assert kept["retries"] >= 1
    assert set(kept["rerun-triggers"]) == set(profile("default")["rerun-triggers"])
    assert kept["rerun-incomplete"] is kept["show-failed-logs"] is True
    assert kept["default-resources"]["mem_mb"] >= 800
    assert kept["cores"] >= 1


def test_retries_stand_in_no_rule_because_they_would_be_used_up_in_one_allocation():
    rules = (ROOT / "workflow" / "rules").glob("*.smk")
    assert not [path.name for path in rules if "retries:" in path.read_text(encoding="utf-8")]


def test_the_slurm_profile_gives_a_gpu_to_the_rules_that_can_use_one():
    rules = (ROOT / "workflow" / "rules").glob("*.smk")
    able = {path.stem for path in rules if "gpu=gpu_count(" in path.read_text(encoding="utf-8")}
    chosen = profile("slurm")["set-resources"]
    assert set(chosen) == able
    assert all(resources == {"slurm_partition": "gpu", "gpu": 1} for resources in chosen.values())
