"""The passes over pixels on a GPU as compiled kernels, each one sweep over memory; `kernels.cu` has the code.

They are compiled at first use and held against `expressions` on a tiny field on the spot. If either fails,
for whatever reason, a warning says so and the expressions do the work: slower by several sweeps per pass,
never wrong, never a crash. They take contiguous single precision, which is all that retrieval uses.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from lensfree.arrays import is_cupy
from lensfree.phase import expressions

logger = logging.getLogger(__name__)

SOURCE = Path(__file__).with_name("kernels.cu")

THREADS_PER_BLOCK = 256
MOST_BLOCKS = 2048
"""More threads than any card runs at once; each takes several pixels."""

CHECKED_YX = (7, 11)
"""Field on which the kernels are held against the expressions before use."""


def passes(*arrays: Any) -> Any:
    """Return what computes on these arrays: `Kernels` if they suit them all, else the `expressions`."""
    if not is_cupy(arrays[0]):
        return expressions
    import cupy

    if not all(array.dtype.char in "fF" and array.flags.c_contiguous for array in arrays):
        return expressions
    return _kernels(cupy, int(cupy.cuda.Device().id)) or expressions


class Kernels:
    """Compiled counterparts of the functions of `expressions`, by their names; results agree to rounding."""

    def __init__(self, cupy: Any) -> None:
        self._cupy = cupy
        self._module = cupy.RawModule(code=SOURCE.read_text(encoding="utf-8"))

    def transmittance(self, opd: Any, absorption: Any, rad_per_unit: Any) -> Any:
        """See `expressions.transmittance`, with factors (channel, 1, 1)."""
        field = self._cupy.empty((len(rad_per_unit), *opd.shape), np.complex64)
        sizes = np.int64(len(rad_per_unit)), np.int64(opd.size)
        self._run("transmittance", opd.size, opd, absorption, rad_per_unit, *sizes, field)
        return field

    def filter_spectrum(self, spectrum: Any, transfers: Any, scale: float, is_adjoint: bool) -> None:
        """See `expressions.filter_spectrum`."""
        sign = np.float32(-1 if is_adjoint else 1)
        size = spectrum.size
        self._run("filter_spectrum", size, spectrum, transfers, np.float32(scale), sign, np.int64(size))

    def amplitude_residual(self, field: Any, amplitude: Any) -> tuple[Any, float]:
        """See `expressions.amplitude_residual`."""
        return field, self._sum("amplitude_residual", field.size, field, amplitude, np.int64(field.size))

    def squared_error(self, field: Any, amplitude: Any) -> float:
        """See `expressions.squared_error`."""
        return self._sum("squared_error", field.size, field, amplitude, np.int64(field.size))

    def add_gradient(self, opd: Any, absorption: Any, back: Any, rad_per_unit: Any, gradient: Any) -> None:
        """See `expressions.add_gradient`, with factors (channel, 1, 1)."""
        sizes = np.int64(len(rad_per_unit)), np.int64(opd.size)
        self._run("add_gradient", opd.size, opd, absorption, back, rad_per_unit, *sizes, gradient)

    def add_regulariser(self, image: Any, gradient: Any, *weights: Any) -> float:
        """See `pointwise.add_regulariser`."""
        weights = tuple(np.float32(weight) for weight in weights)
        return self._sum("add_regulariser", image.size, image, gradient, *_int64(image.shape), *weights)

    def axpy(self, factor: Any, source: Any, target: Any) -> None:
        """See `pointwise.axpy`."""
        self._run("axpy", target.size, np.float32(factor), source, target, np.int64(target.size))

    def dot(self, left: Any, right: Any) -> float:
        """See `pointwise.dot`."""
        return self._sum("dot", left.size, left, right, np.int64(left.size))

    def mix_spectra(self, pair: Any, first: Any, both: Any, second: Any) -> None:
        """See `expressions.mix_spectra`."""
        self._run("mix_spectra", first.size, pair, first, both, second, np.int64(first.size))

    def variation(self, image: Any) -> float:
        """See `pointwise.variation`."""
        return self._sum("variation", image.size, image, *_int64(image.shape))

    def dual_step(self, image: Any, weight: Any, pace: Any, dual: Any, stepped: Any) -> None:
        """See `pointwise.dual_step`."""
        factors = np.float32(weight), np.float32(pace)
        self._run("dual_step", image.size, image, *factors, dual, *_int64(image.shape), stepped)

    def move_on(self, image: Any, weight: Any, dual: Any, momentum: Any, point: Any, ahead: Any) -> None:
        """See `pointwise.move_on`."""
        arguments = (image, np.float32(weight), dual, np.float32(momentum), *_int64(image.shape))
        self._run("move_on", image.size, *arguments, point, ahead)

    def _run(self, name: str, size: int, *arguments: Any) -> None:
        kernel = self._module.get_function(name)
        kernel((_blocks(size),), (THREADS_PER_BLOCK,), arguments)

    def _sum(self, name: str, size: int, *arguments: Any) -> float:
        sums = self._cupy.empty(_blocks(size) * THREADS_PER_BLOCK, np.float64)
        self._run(name, size, *arguments, sums)
        return float(sums.sum())


def _int64(shape: tuple[int, ...]) -> list[np.int64]:
    return [np.int64(n) for n in shape]


def _blocks(size: int) -> int:
    return max(1, min(-(-size // THREADS_PER_BLOCK), MOST_BLOCKS))


@lru_cache(maxsize=8)
def _kernels(cupy: Any, device: int) -> Kernels | None:
    """Return the kernels of a device (CuPy compiles for the one in use), None if they cannot be trusted."""
    try:
        kernels = Kernels(cupy)
        wrong = disagreements(cupy, kernels)
    except MemoryError:
        raise  # the device is full, which tiles help against
    except Exception as error:  # compilers and drivers raise what they like
        reason = f"{type(error).__name__}: {error}"
    else:
        if not wrong:
            return kernels
        reason = f"wrong results of {', '.join(wrong)}"
    logger.warning(
        "device %d: the compiled kernels cannot be used, CuPy's own take their place, slower (%s)",
        device,
        reason,
    )
    return None


def disagreements(cupy: Any, kernels: Any) -> list[str]:
    """Return the names of the passes whose results on a tiny made-up field differ from the expressions'."""
    return [name for name, call in _calls(cupy).items() if not _agree(call(kernels), call(expressions))]


def _calls(cupy: Any) -> dict[str, Callable[[Any], list[Any]]]:
    """Return per pass a function from an implementation to everything that the pass changes or returns."""
    rng = np.random.default_rng(0)
    pixels = (2, *CHECKED_YX)

    def real(*shape: int) -> Any:
        return cupy.asarray(rng.normal(0, 1, shape).astype(np.float32))

    def waves() -> Any:
        return cupy.asarray((rng.normal(0, 1, pixels) + 1j * rng.normal(0, 1, pixels)).astype(np.complex64))

    factors = cupy.asarray(np.array([1.2, 0.9], np.float32))[:, None, None]
    left, right, amplitude = real(*pixels), real(*pixels), real(*pixels)  # half of the amplitudes are bounds
    field, transfers = waves(), waves()
    weights = [np.float32(weight) for weight in (0.3, 0.05, 2.0, 0.7)]

    def on_copy(array: Any, change: Callable[[Any], Any]) -> list[Any]:
        own = array.copy()
        returned = change(own)
        return [own] if returned is None else [own, *(returned if type(returned) is tuple else (returned,))]

    return {
        "transmittance": lambda by: [by.transmittance(left[0], left[1], factors)],
        "filter_spectrum": lambda by: on_copy(field, lambda f: by.filter_spectrum(f, transfers, 0.25, False)),
        "filter_spectrum, adjoint": lambda by: on_copy(
            field, lambda f: by.filter_spectrum(f, transfers, 0.25, True)
        ),
        "amplitude_residual": lambda by: list(by.amplitude_residual(field.copy(), amplitude)),
        "squared_error": lambda by: [by.squared_error(field, amplitude)],
        "add_gradient": lambda by: on_copy(
            right, lambda gradient: by.add_gradient(left[0], left[1], field, factors, gradient)
        ),
        "add_regulariser": lambda by: on_copy(
            right[0], lambda gradient: by.add_regulariser(left[0], gradient, *weights)
        ),
        "axpy": lambda by: on_copy(right, lambda target: by.axpy(np.float32(-0.3), left, target)),
        "dot": lambda by: [by.dot(left, right)],
        "variation": lambda by: [by.variation(left[0])],
        "dual_step": lambda by: on_copy(
            right, lambda stepped: by.dual_step(left[0], weights[0], weights[3], left, stepped)
        ),
        "move_on": lambda by: on_copy(
            right, lambda maps: by.move_on(left[0], weights[0], left, weights[3], maps[0], maps[1])
        ),
        "mix_spectra": lambda by: on_copy(
            field, lambda pair: by.mix_spectra(pair, left[0], left[1], right[0])
        ),
    }


def _agree(found: list[Any], expected: list[Any]) -> bool:
    pairs = zip(found, expected, strict=True)
    return all(np.allclose(_host(a), _host(b), rtol=1e-4, atol=1e-5) for a, b in pairs)


def _host(value: Any) -> Any:
    return value.get() if is_cupy(value) else value
