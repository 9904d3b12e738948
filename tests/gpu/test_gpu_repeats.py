"""Every test of `tests/phase/test_retrieve.py` once more, with the retrieval on the GPU."""

from dataclasses import replace

import pytest
import test_retrieve

from lensfree.phase.retrieve import first_descent, retrieve

pytestmark = pytest.mark.gpu
globals().update(
    (name, value)
    for name, value in vars(test_retrieve).items()
    if name.startswith("test_") or name in ("flat", "wrapped")
)


@pytest.fixture(autouse=True)
def on_the_gpu(monkeypatch, cupy):
    """Send intensities to the GPU and maps back, and the maps that a refinement sees to the host."""

    def retrieved(intensity, channels, *, refine=None, **named):
        def on_host(opd_nm, absorption):
            assert type(opd_nm) is type(absorption) is cupy.ndarray
            return tuple(cupy.asarray(image) for image in refine(opd_nm.get(), absorption.get()))

        step = None if refine is None else on_host
        found = retrieve(cupy.asarray(intensity), channels, refine=step, **named)
        return replace(found, opd_nm=found.opd_nm.get(), absorption=found.absorption.get())

    def descended(intensity, channels, **named):
        return tuple(image.get() for image in first_descent(cupy.asarray(intensity), channels, **named))

    monkeypatch.setattr(test_retrieve, "retrieve", retrieved)
    monkeypatch.setattr(test_retrieve, "first_descent", descended)
