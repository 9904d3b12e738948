"""The strict stand-in for CuPy of `tests/phase`, with the filters of `cupyx.scipy.ndimage` as well."""

import sys
from pathlib import Path

import scipy.ndimage

sys.path.append(str(Path(__file__).parent / "phase"))


def install(monkeypatch):
    """Put the stand-in where `import cupy` finds it, for one test, and return it."""
    import strict_cupy

    cupy = strict_cupy.install(monkeypatch)
    filters = strict_cupy._Library("cupyx.scipy.ndimage", scipy.ndimage)
    monkeypatch.setitem(sys.modules, "cupyx.scipy.ndimage", filters)
    sys.modules["cupyx.scipy"].ndimage = filters
    sys.modules["cupyx"].scipy = sys.modules["cupyx.scipy"]
    return cupy
