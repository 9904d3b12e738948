"""Readers tried on hostile files in a process of their own, which may only take so much memory and time."""

from __future__ import annotations

import os
import pickle
import resource
import select
import signal
from collections.abc import Callable
from pathlib import Path

MB = 1 << 20


def outcome_of(read: Callable[[], object], *, mb: int = 1024, seconds: int = 60) -> tuple[str, str, float]:
    """Call `read` in a fork that may take `mb` more address space than it has.

    Returns:
        The name of the error's class (empty if there was none), its message, and the MB of memory that it
        took at most.
    """
    receiving, sending = os.pipe()
    child = os.fork()
    if not child:
        os.close(receiving)
        os._exit(_try(read, mb, sending))
    os.close(sending)
    ready, _, _ = select.select([receiving], [], [], seconds)
    if not ready:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(receiving)
        raise AssertionError(f"the reader had not ended after {seconds} s")
    with open(receiving, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    assert said, f"the reader's process died with status {status}"
    name, message, took_mb = pickle.loads(said)  # of our own fork
    return name, message, took_mb


def _try(read: Callable[[], object], mb: int, sending: int) -> int:
    before_mb = _size_mb("VmSize")
    resource.setrlimit(resource.RLIMIT_AS, (int(before_mb + mb) * MB, resource.RLIM_INFINITY))
    resident_mb = _size_mb("VmRSS")
    try:
        read()
        name, message = "", ""
    except BaseException as error:
        name, message = type(error).__name__, str(error)
    said = pickle.dumps((name, message[:2000], _size_mb("VmHWM") - resident_mb))
    os.write(sending, said[:60000])
    return 0


def _size_mb(which: str) -> float:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(which))
    return float(line.split()[1]) / 1024
