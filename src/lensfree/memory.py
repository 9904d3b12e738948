"""Memory that is exhausted: how it is told, and how to hand back what the libraries keep."""

from __future__ import annotations

import gc

from lensfree.arrays import Device

SAID_WHEN_EXHAUSTED = ("out of memory", "alloc_failed", "can't allocate memory", "cannot allocate memory")
"""What torch, cuFFT and cuDNN say; NumPy and CuPy raise a MemoryError."""


def is_memory_exhausted(error: BaseException) -> bool:
    """Return whether an error of any of the libraries says that memory was not enough."""
    said = str(error).lower()
    return isinstance(error, MemoryError) or any(words in said for words in SAID_WHEN_EXHAUSTED)


def free_memory(device: Device) -> None:
    """Collect what nothing holds, and on a GPU hand back what CuPy and torch keep for the next array."""
    gc.collect()
    if device == "cpu":
        return
    import cupy
    import torch

    cupy.fft.config.get_plan_cache().clear()
    cupy.get_default_memory_pool().free_all_blocks()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
