"""What the workflow must know of the machine, without importing an array library."""

from __future__ import annotations

import os
from pathlib import Path

from lensfree.gpus import visible_gpus

_NVIDIA_DEVICE = Path("/dev/nvidia0")


def is_gpu_present() -> bool:
    """Return whether the driver of an NVIDIA GPU is loaded here, and the environment hides not every GPU."""
    return _NVIDIA_DEVICE.exists() and bool(visible_gpus())


def share_with_jobs(folder: Path) -> None:
    """Let the Python processes of jobs import from `folder`, before anything installed."""
    paths = [str(folder), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
