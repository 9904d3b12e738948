"""Work in a process of its own, and what it cost there: CPU seconds and memory (Linux)."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

STATUS = Path("/proc/self/status")
FORGET_PEAK = Path("/proc/self/clear_refs")


def in_own_process(work: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a function returns in a fresh interpreter, which ends with it."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def resident_mb(which: str) -> float:
    """Return a figure of this process in MB: `VmRSS` what is resident, `VmHWM` the most that was (Linux)."""
    line = next(line for line in STATUS.read_text(encoding="ascii").splitlines() if line.startswith(which))
    return int(line.split()[1]) / 1000


def forget_peak() -> float:
    """Hand freed memory back, forget the peak so far, and return what is resident now [MB]."""
    ctypes.CDLL(None).malloc_trim(0)  # what earlier calls left behind would serve later ones
    FORGET_PEAK.write_text("5", encoding="ascii")
    return resident_mb("VmRSS")


def cost_of(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """Return what a call returns, its CPU seconds, and its peak memory above what was before it [MB]."""
    before_mb = forget_peak()
    start = time.process_time()
    found = work()
    return found, time.process_time() - start, resident_mb("VmHWM") - before_mb


def in_own_process_within(limit_s: float, work: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a function returns in a fresh interpreter, which is killed with its children at the limit.

    Raises:
        TimeoutError: if it is not done within the limit.
        RuntimeError: if it ends without an answer, with what it said.
    """
    context = get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(there, work, arguments))
    process.start()
    there.close()
    try:
        if not here.poll(limit_s):
            raise TimeoutError(f"{work.__name__} is not done after {limit_s:g} s")
        try:
            is_done, answer = here.recv()
        except EOFError:
            is_done, answer = False, "it ended without a word; memory may have been short"
        if not is_done:
            raise RuntimeError(f"{work.__name__} failed: {answer}")
        return answer
    finally:
        if process.is_alive() and not here.poll(0):
            with suppress(ProcessLookupError):  # it may not lead its group yet, and is killed by itself then
                os.killpg(process.pid or 0, signal.SIGKILL)
            process.kill()
        process.join()


def _answer(pipe: Connection, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    os.setsid()  # what it starts ends with it
    try:
        pipe.send((True, work(*arguments)))
    except Exception as error:
        pipe.send((False, repr(error)))
