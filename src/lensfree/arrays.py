"""Array libraries: the library, the FFT and the device follow the array that is handed in."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from typing import Any, Literal

import numpy as np
import scipy.fft

from lensfree.gpus import take_gpu

Device = Literal["cpu", "cuda"]


def is_cupy(array: Any) -> bool:
    """Return whether the array lives in CuPy; NumPy is assumed otherwise."""
    return type(array).__module__.split(".")[0] == "cupy"


def array_namespace(array: Any) -> Any:
    """Return the module whose functions work on this array: `numpy` or `cupy`."""
    if is_cupy(array):
        import cupy

        return cupy
    return np


def fft2(array: Any, *, overwrite: bool = False) -> Any:
    """Transform the last two axes; on the CPU with every core this process may use.

    With `overwrite` the result may lie where the array was, which saves the memory of a large one.
    """
    if is_cupy(array):
        from cupyx.scipy import fft

        return fft.fft2(array, axes=(-2, -1), overwrite_x=overwrite)
    return scipy.fft.fft2(array, axes=(-2, -1), workers=cpu_count(), overwrite_x=overwrite)


def ifft2(array: Any, *, overwrite: bool = False, is_scaled: bool = True) -> Any:
    """Invert `fft2`; unscaled it lacks the factor 1 / pixels, for which CuPy takes a pass of its own."""
    norm = "backward" if is_scaled else "forward"
    if is_cupy(array):
        from cupyx.scipy import fft

        return fft.ifft2(array, axes=(-2, -1), overwrite_x=overwrite, norm=norm)
    return scipy.fft.ifft2(array, axes=(-2, -1), workers=cpu_count(), overwrite_x=overwrite, norm=norm)


def rfft2(array: Any) -> Any:
    """Transform the last two axes of a real array; half the cost of `fft2`."""
    if is_cupy(array):
        from cupyx.scipy import fft

        return fft.rfft2(array, axes=(-2, -1))
    return scipy.fft.rfft2(array, axes=(-2, -1), workers=cpu_count())


def irfft2(array: Any, shape_yx: tuple[int, int], *, overwrite: bool = False) -> Any:
    """Invert `rfft2`; the shape tells an odd side from an even one."""
    if is_cupy(array):
        from cupyx.scipy import fft

        return fft.irfft2(array, s=shape_yx, axes=(-2, -1), overwrite_x=overwrite)
    return scipy.fft.irfft2(array, s=shape_yx, axes=(-2, -1), workers=cpu_count(), overwrite_x=overwrite)


def cpu_count() -> int:
    """Return how many CPU threads this process should use.

    A scheduler's grant (`OMP_NUM_THREADS`, which Snakemake sets from `threads:`) comes before the
    affinity mask, so that two jobs side by side do not fight for the same cores.
    """
    granted = os.environ.get("OMP_NUM_THREADS", "")
    if granted.isdigit() and int(granted) > 0:
        return int(granted)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def to_numpy(array: Any) -> np.ndarray:
    """Return the array in host memory, without a copy when it is there already."""
    return array.get() if is_cupy(array) else np.asarray(array)


def to_device(array: np.ndarray, device: Device) -> Any:
    """Return the array on the device: NumPy for `cpu`, CuPy for `cuda`."""
    if device == "cpu":
        return np.asarray(array)
    import cupy

    return cupy.asarray(array)


def resolve_device(wanted: Literal["auto", "cpu", "cuda"]) -> Device:
    """Turn a configured device into one that exists here.

    `auto` takes a GPU that answers and falls back to the CPU. CuPy imports without a GPU, so the
    import proves nothing; only `is_available` does. Of several GPUs the process takes one for itself.

    Raises RuntimeError when `cuda` is asked for and no GPU answers.
    """
    if wanted == "cpu":
        return "cpu"
    if _answers():
        return "cuda"
    if wanted == "cuda":
        raise RuntimeError(
            "device is 'cuda' but no GPU answers to CuPy; install the extra lensfree[cuda13] on a "
            "machine with an NVIDIA driver, or set device to 'auto' or 'cpu'"
        )
    return "cpu"


def _answers() -> bool:
    """Return whether a GPU answers to CuPy, after one was taken: CUDA reads once which devices it may see."""
    if "cupy" not in sys.modules and find_spec("cupy") is None:
        return False
    take_gpu()
    try:
        import cupy
    except ImportError:
        return False
    return bool(cupy.cuda.is_available())
