"""Which GPU a job takes where several are visible: Snakemake counts GPUs, but assigns none to a job.

A job holds the lock of a file that stands for its device. The kernel frees the lock when the process ends,
however it ends, so that no device stays taken by a job that was killed.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Sequence
from pathlib import Path

logger = logging.getLogger(__name__)

VISIBLE = "CUDA_VISIBLE_DEVICES"
ALLOCATIONS = ("SLURM_JOB_ID", "LSB_JOBID", "PBS_JOBID")
"""What schedulers call the allocation that a process runs in."""

MOST = 64
"""Jobs on one device that are told apart; memory is short long before."""

_LOCKS = Path("/tmp")  # TMPDIR may differ between jobs of one machine, and then they would not meet
_DEVICE_FILES = Path("/dev")
_held: dict[str, int] = {}


def visible_gpus(device_files: Path = _DEVICE_FILES) -> list[str]:
    """Return the GPUs that this process may use, as CUDA names them: numbers, or names such as `GPU-8f1c`.

    `CUDA_VISIBLE_DEVICES`, which schedulers set, comes before what the machine has; as in CUDA, an entry that
    is no device hides those behind it.
    """
    given = os.environ.get(VISIBLE)
    if given is None:
        found = [re.fullmatch(r"nvidia(\d+)", path.name) for path in device_files.glob("nvidia*")]
        return [str(number) for number in range(sum(match is not None for match in found))]
    names = []
    for name in (part.strip() for part in given.split(",")):
        if not re.fullmatch(r"\d+|(GPU|MIG)-\S+", name):
            break
        names.append(name)
    return list(dict.fromkeys(names))


def take_gpu(*, locks: Path | None = None) -> str | None:
    """Make one visible GPU this process's own until it ends, and hide the others from its CUDA.

    Call it before anything that talks to CUDA. A free device is preferred; if all are taken, the one with the
    fewest jobs is shared, and the log says so. A second call returns the same device.

    Args:
        locks: folder of the lock files; by default one in /tmp for all users of this machine.

    Returns:
        The device as CUDA names it, None if there is none.
    """
    if _held:
        return next(iter(_held))
    names = visible_gpus()
    if not names:
        return None
    folder = locks or _LOCKS / "lensfree_gpus"
    name, lock, sharing = _lock_one(names, folder)
    _held[name] = lock
    os.environ[VISIBLE] = name
    if sharing:
        logger.warning(
            "all %d GPUs (%s) are taken; GPU %s is shared with %d other job(s): memory may be short. Let no "
            "more GPU jobs run than there are devices: snakemake --resources gpu=%d",
            *(len(names), ", ".join(names), name, sharing, len(names)),
        )
    else:
        logger.info("GPU %s of %s", name, ", ".join(names))
    return name


def _lock_one(names: Sequence[str], folder: Path) -> tuple[str, int, int]:
    """Return the device with the fewest jobs, the open lock, and how many jobs have the device already."""
    import fcntl  # not on every system; where it is missing there are no NVIDIA device files either

    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o1777)  # users of one machine share its devices
    # Inside an allocation numbers may count from 0 again, whichever devices they stand for.
    scope = "".join(f"{os.environ[key]}." for key in ALLOCATIONS if key in os.environ)
    turn = _open(folder / "choosing")
    try:
        fcntl.flock(turn, fcntl.LOCK_EX)  # one job chooses at a time, so that what it counts stays true
        rows = {
            name: [folder / _file_name(f"{scope}{name}.{place}") for place in range(MOST)] for name in names
        }
        taken = {name: sum(_is_taken(path) for path in row) for name, row in rows.items()}
        name = min(names, key=taken.__getitem__)
        for path in rows[name]:
            lock = _try_lock(path)
            if lock is not None:
                return name, lock, taken[name]
        raise RuntimeError(f"GPU {name} has {MOST} jobs already, as has every other; end some of them")
    finally:
        os.close(turn)


def _file_name(text: str) -> str:
    return re.sub(r"[^\w.-]", "_", text)


def _is_taken(path: Path) -> bool:
    lock = _try_lock(path) if path.exists() else -1
    if lock is None:
        return True
    if lock >= 0:
        os.close(lock)
    return False


def _try_lock(path: Path) -> int | None:
    """Return the open file if this process has its lock now, None if another has it."""
    import fcntl

    lock = _open(path)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def _open(path: Path) -> int:
    """Open a lock file; reading suffices, and some kernels let no user create what another has."""
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        return os.open(path, flags)
    except FileNotFoundError:
        return os.open(path, flags | os.O_CREAT, 0o644)
