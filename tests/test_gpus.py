"""Jobs share out the GPUs of one machine; devices here are names in the environment, jobs are processes."""

import json
import logging
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lensfree import arrays, gpus, machine
from lensfree.gpus import take_gpu, visible_gpus

SOURCE = Path(gpus.__file__).parents[1]
JOB = """
import json, logging, sys, time
from pathlib import Path
logging.basicConfig(format="%(levelname)s %(message)s", level=logging.INFO, stream=sys.stderr)
from lensfree.gpus import take_gpu
import os
taken = take_gpu(locks=Path(sys.argv[1]))
print(json.dumps([taken, os.environ.get("CUDA_VISIBLE_DEVICES")]), flush=True)
sys.stdin.read()
"""


class Job:
    """A process that takes a GPU and holds it until it is ended or killed."""

    def __init__(self, locks: Path, devices: str | None, **environment: str):
        kept = {k: v for k, v in os.environ.items() if k not in (gpus.VISIBLE, *gpus.ALLOCATIONS)}
        given = {} if devices is None else {gpus.VISIBLE: devices}
        self.process = subprocess.Popen(
            [sys.executable, "-c", JOB, str(locks)],
            env={**kept, "PYTHONPATH": str(SOURCE), **given, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.answer = None

    @property
    def gpu(self) -> str | None:
        if self.answer is None:
            self.answer = json.loads(self.process.stdout.readline())
            assert self.answer[0] is None or self.answer[0] == self.answer[1], "CUDA would see another device"
        return self.answer[0]

    def is_up(self) -> bool:
        return self.gpu is None or bool(self.gpu)

    def end(self) -> str:
        """End it in peace, and return its log."""
        assert self.is_up()
        return self.process.communicate("")[1]

    def kill(self) -> None:
        assert self.is_up()
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def start(tmp_path):
    """Start a job on a list of devices; whatever runs in the end is killed."""
    jobs = []

    def begin(devices: str | None, **environment: str) -> Job:
        jobs.append(Job(tmp_path / "locks", devices, **environment))
        return jobs[-1]

    yield begin
    for job in jobs:
        job.process.kill()
        job.process.communicate()


@pytest.fixture
def clean(monkeypatch):
    """Hold nothing at the start, whatever this process took before, and nothing of it afterwards."""
    monkeypatch.setattr(gpus, "_held", {})
    for name in (gpus.VISIBLE, *gpus.ALLOCATIONS):
        monkeypatch.delenv(name, raising=False)
    yield monkeypatch
    for lock in gpus._held.values():
        os.close(lock)


def test_jobs_that_start_together_never_share_while_a_device_is_free(start):
    jobs = [start("0,1,2,3") for _ in range(4)]
    assert sorted(job.gpu for job in jobs) == ["0", "1", "2", "3"]
    assert all("WARNING" not in job.end() for job in jobs)


def test_a_killed_job_frees_its_device_and_the_next_takes_exactly_that(start):
    jobs = [start("0,1,2") for _ in range(3)]
    freed = jobs[1].gpu
    for job in jobs:
        assert job.gpu is not None
    jobs[1].kill()
    assert start("0,1,2").gpu == freed


def test_more_jobs_than_devices_spread_evenly_and_the_log_says_so(start):
    first = [start("0,1") for _ in range(2)]
    assert {job.gpu for job in first} == {"0", "1"}
    second = [start("0,1") for _ in range(2)]
    assert {job.gpu for job in second} == {"0", "1"}
    logs = [job.end() for job in second]
    for log in logs:
        assert "WARNING all 2 GPUs (0, 1) are taken" in log
        assert "is shared with 1 other job(s)" in log
        assert "snakemake --resources gpu=2" in log
    assert all("WARNING" not in job.end() for job in first)


def test_a_device_with_one_job_is_preferred_to_one_with_two(start):
    jobs = [start("0,1") for _ in range(2)]
    by_gpu = {job.gpu: job for job in jobs}
    third = start("0,1")
    assert third.gpu in by_gpu
    other = next(name for name in by_gpu if name != third.gpu)
    assert start("0,1").gpu == other


def test_a_device_that_is_free_is_not_passed_over_for_one_whose_first_job_has_ended(start):
    jobs = [start("0,1") for _ in range(2)]
    by_gpu = {job.gpu: job for job in jobs}
    third = start("0,1")
    assert third.gpu in by_gpu
    for job in jobs:
        job.kill()
    # What is left holds the second place of its device; the other device is free.
    assert start("0,1").gpu == next(name for name in by_gpu if name != third.gpu)


def test_what_the_scheduler_gives_is_all_that_is_taken(start):
    assert start("2").gpu == "2"
    assert start("0,2").gpu == "0"
    assert start("GPU-8f1c-22").gpu == "GPU-8f1c-22"


def test_allocations_that_number_their_devices_from_0_do_not_stand_in_each_others_way(start):
    first, second = start("0", SLURM_JOB_ID="41"), start("0", SLURM_JOB_ID="42")
    assert (first.gpu, second.gpu) == ("0", "0")
    assert "WARNING" not in first.end() + second.end()
    held, shared = start("0", SLURM_JOB_ID="43"), None
    assert held.gpu == "0"
    shared = start("0", SLURM_JOB_ID="43")
    assert "all 1 GPUs (0) are taken" in shared.end()


def test_without_a_device_nothing_is_taken_and_nothing_written(start, tmp_path):
    job = start("")
    assert job.gpu is None
    assert "GPU" not in job.end()
    assert not (tmp_path / "locks").exists()


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ("0,1", ["0", "1"]),
        (" 3 , 1", ["3", "1"]),
        ("0,-1,2", ["0"]),
        ("-1", []),
        ("", []),
        ("NoDevFiles", []),
        ("0,0", ["0"]),
        ("MIG-1,GPU-2", ["MIG-1", "GPU-2"]),
    ],
)
def test_visible_devices_are_read_as_cuda_reads_them(clean, given, names):
    clean.setenv(gpus.VISIBLE, given)
    assert visible_gpus() == names


def test_without_a_word_of_the_environment_the_machine_says_which_devices_there_are(clean, tmp_path):
    for name in ("nvidia0", "nvidia1", "nvidia10", "nvidiactl", "nvidia-uvm", "nvidia-caps"):
        (tmp_path / name).touch()
    assert visible_gpus(tmp_path) == ["0", "1", "2"]
    assert visible_gpus(tmp_path / "none") == []


def test_a_process_keeps_the_device_that_it_took(clean, tmp_path, caplog):
    caplog.set_level(logging.INFO, "lensfree.gpus")
    clean.setenv(gpus.VISIBLE, "4,5")
    assert take_gpu(locks=tmp_path) == "4"
    assert caplog.messages == ["GPU 4 of 4, 5"]
    assert visible_gpus() == ["4"]
    assert take_gpu(locks=tmp_path) == "4"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["4.0", "choosing"]


def test_the_folder_of_locks_is_open_to_other_users_of_the_machine(clean, tmp_path):
    clean.setenv(gpus.VISIBLE, "0")
    take_gpu(locks=tmp_path / "locks")
    assert (tmp_path / "locks").stat().st_mode & 0o7777 == 0o1777


def test_a_file_that_another_user_made_can_be_locked(clean, tmp_path):
    (tmp_path / "0.0").touch()
    (tmp_path / "0.0").chmod(0o444)
    clean.setenv(gpus.VISIBLE, "0")
    assert take_gpu(locks=tmp_path) == "0"
    assert (tmp_path / "0.0").stat().st_size == 0


def test_a_link_in_the_place_of_a_lock_is_not_followed(clean, tmp_path):
    (tmp_path / "choosing").symlink_to(tmp_path / "elsewhere")
    clean.setenv(gpus.VISIBLE, "0")
    with pytest.raises(OSError, match="choosing"):
        take_gpu(locks=tmp_path)
    assert not (tmp_path / "elsewhere").exists()


def test_a_machine_without_room_for_another_job_says_so(clean, tmp_path):
    clean.setattr(gpus, "MOST", 1)
    clean.setenv(gpus.VISIBLE, "0")
    lock = gpus._lock_one(["0"], tmp_path)[1]
    with pytest.raises(RuntimeError, match="GPU 0 has 1 jobs already.*end some"):
        take_gpu(locks=tmp_path)
    os.close(lock)


def test_a_device_is_taken_before_cupy_is_asked_and_only_if_one_is_wanted(clean):
    order = []

    class Cuda:
        @staticmethod
        def is_available():
            order.append("asked")
            return True

    class Cupy:
        cuda = Cuda

    clean.setitem(sys.modules, "cupy", Cupy)
    clean.setattr(arrays, "take_gpu", lambda: order.append("taken"))
    assert arrays.resolve_device("cpu") == "cpu"
    assert order == []
    assert arrays.resolve_device("auto") == "cuda"
    assert order == ["taken", "asked"]


def test_without_cupy_no_device_is_taken(clean):
    clean.delitem(sys.modules, "cupy", raising=False)
    clean.setattr(arrays, "find_spec", lambda name: None)
    clean.setattr(arrays, "take_gpu", lambda: pytest.fail("a device was taken in vain"))
    assert arrays.resolve_device("auto") == "cpu"
    with pytest.raises(RuntimeError, match="no GPU answers to CuPy"):
        arrays.resolve_device("cuda")


def test_hidden_gpus_are_not_counted_by_the_workflow(clean, tmp_path):
    (tmp_path / "nvidia0").touch()
    clean.setattr(machine, "_NVIDIA_DEVICE", tmp_path / "nvidia0")
    clean.setenv(gpus.VISIBLE, "")
    assert not machine.is_gpu_present()
    clean.setenv(gpus.VISIBLE, "0")
    assert machine.is_gpu_present()


def test_a_lock_is_not_inherited_by_what_the_job_starts(clean, tmp_path):
    clean.setenv(gpus.VISIBLE, "0")
    take_gpu(locks=tmp_path)
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    try:
        time.sleep(0.05)
        os.close(gpus._held.pop("0"))
        assert take_gpu(locks=tmp_path) == "0"
        assert gpus._lock_one(["0"], tmp_path)[2] == 1
    finally:
        child.communicate(b"")
