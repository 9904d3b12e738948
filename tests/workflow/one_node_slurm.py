"""Slurm on this one machine, for tests: controller, node and munge, as root, from the packages of Debian.

Needs `apt-get install --no-install-recommends slurm-wlm munge`. `python one_node_slurm.py down` takes down
what a killed test has left: while /etc/slurm/slurm.conf names a dead controller, every start of a Snakemake
with the Slurm plugin waits 10 s.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path("/run/lensfree_slurm")
SETTINGS = Path("/etc/slurm/slurm.conf")  # as compiled in: the plugin's jobs do not keep SLURM_CONF
DEVICES = Path("/etc/slurm/gres.conf")
MUNGE_KEY = Path("/etc/munge/munge.key")
MINE = "# Written by a test of lensfree; it may be deleted.\n"
PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch")
NULL_DEVICE = os.makedev(1, 3)
CPUS = 4
"""More than a small machine has, so that jobs that mostly wait can run side by side."""

CONF = """ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
ReturnToService=2
SchedulerParameters=sched_interval=2,bf_interval=2
MinJobAge=600
EnforcePartLimits=ALL
KillWait=5
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmdSpoolDir={folder}/node
StateSaveLocation={folder}/state
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/ended.txt
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory_mb} Gres=gpu:1 State=UNKNOWN
PartitionName=cpu Nodes={host} Default=YES MaxTime=60 State=UP
PartitionName=gpu Nodes={host} MaxTime=60 State=UP
"""


def why_not() -> str:
    """Return why no Slurm can be brought up here, empty if it can."""
    if os.geteuid() != 0:
        return "Slurm's daemons need root"
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    if missing:
        return f"{', '.join(missing)} missing: apt-get install --no-install-recommends slurm-wlm munge"
    if SETTINGS.exists() and not SETTINGS.read_text(encoding="utf-8").startswith(MINE):
        return f"{SETTINGS} exists: this machine belongs to a cluster"
    return ""


def up() -> None:
    """Start the daemons and wait until the node is idle.

    Raises:
        RuntimeError: if it is not idle after a minute, with the end of the controller's log.
    """
    down()
    for name in ("node", "state"):
        (FOLDER / name).mkdir(parents=True, exist_ok=True)
    device = FOLDER / "gpu0"
    if not device.exists():
        os.mknod(device, 0o666 | 0o020000, NULL_DEVICE)  # Slurm wants a device file; nothing opens it
    host = os.uname().nodename.split(".")[0]
    memory_mb = int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**20 * 0.9)
    SETTINGS.parent.mkdir(exist_ok=True)
    text = CONF.format(host=host, folder=FOLDER, cpus=max(CPUS, os.cpu_count() or 1), memory_mb=memory_mb)
    SETTINGS.write_text(MINE + text, encoding="utf-8")
    DEVICES.write_text(f"{MINE}NodeName={host} Name=gpu Count=1 File={device}\n", encoding="utf-8")
    _start_munge()
    for daemon in ("slurmctld", "slurmd"):
        subprocess.run([daemon, "-c"], check=True)
    end = time.monotonic() + 60
    while "idle" not in _said("sinfo", "--noheader", "--format=%T"):
        if time.monotonic() > end:
            log = (FOLDER / "slurmctld.log").read_text(encoding="utf-8", errors="replace")
            raise RuntimeError(f"no idle node after 60 s; the controller's log ends with:\n{log[-2000:]}")
        time.sleep(0.3)


def down() -> None:
    """End the jobs and the daemons that this module started, and remove what it wrote in /etc."""
    if not SETTINGS.exists() or not SETTINGS.read_text(encoding="utf-8").startswith(MINE):
        return
    if _is_alive(FOLDER / "slurmctld.pid"):
        subprocess.run(["scancel", "--user=root"], capture_output=True, timeout=60, check=False)
    for name in ("slurmd.pid", "slurmctld.pid", "munged.pid"):
        _end(FOLDER / name)
    SETTINGS.unlink()
    DEVICES.unlink(missing_ok=True)
    shutil.rmtree(FOLDER, ignore_errors=True)


def jobs() -> list[str]:
    """Return the jobs that wait or run, as `id state partition folder`."""
    states = "--states=PENDING,RUNNING,COMPLETING,CONFIGURING,SUSPENDED"
    return _said("squeue", "--noheader", states, "--format=%i %T %P %Z").splitlines()


def ended() -> list[dict[str, str]]:
    """Return what Slurm noted of each job that has ended: JobId, JobState, Partition, Tres and so on."""
    path = FOLDER / "ended.txt"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [dict(part.split("=", 1) for part in line.split() if "=" in part) for line in lines]


def gpus(job: str) -> int:
    """Return how many GPUs Slurm gave a job; what it notes of jobs that have ended does not tell."""
    found = re.search(r"\bTresPer\w+=gres[:/]gpu:(\d+)", _said("scontrol", "show", "job", "--oneliner", job))
    return int(found[1]) if found else 0


def _start_munge() -> None:
    if subprocess.run(["munge", "-n"], capture_output=True, check=False).returncode == 0:
        return  # it runs already, and stays
    if not MUNGE_KEY.exists():
        subprocess.run(["mungekey", "-c"], check=True)
        shutil.chown(MUNGE_KEY, "munge", "munge")
    socket = Path("/run/munge")
    socket.mkdir(exist_ok=True)
    shutil.chown(socket, "munge", "munge")
    subprocess.run(["runuser", "-u", "munge", "--", "/usr/sbin/munged"], check=True)
    shutil.copy(socket / "munged.pid", FOLDER / "munged.pid")


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout


def _is_alive(pid_file: Path) -> bool:
    try:
        state = Path(f"/proc/{int(pid_file.read_text())}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (OSError, ValueError):
        return False
    return state != "Z"


def _end(pid_file: Path) -> None:
    for sign in (signal.SIGTERM, signal.SIGKILL):
        if not _is_alive(pid_file):
            return
        os.kill(int(pid_file.read_text()), sign)
        end = time.monotonic() + 10
        while _is_alive(pid_file) and time.monotonic() < end:
            time.sleep(0.1)


if __name__ == "__main__":
    {"up": up, "down": down}[sys.argv[1]]()
