"""A stand-in for CuPy that computes with NumPy and is as strict as CuPy about mixing the two.

It proves that a computation started on the device stays there: an array of this library never turns into a
NumPy array by itself, refuses NumPy arrays as partners, and is only read by `.get()`. It says nothing about
speed or about what CuPy lacks; the tests marked `gpu` do.
"""

from __future__ import annotations

import sys
import types
from typing import Any

import numpy as np
import scipy.fft
import scipy.special

from lensfree.phase import kernels


def _unwrap(value: Any) -> Any:
    if isinstance(value, Array):
        return value._host
    if isinstance(value, np.ndarray) and value.ndim:
        raise TypeError("Unsupported type <class 'numpy.ndarray'>: copy it to the device first")
    if isinstance(value, list | tuple):
        return type(value)(_unwrap(item) for item in value)
    return value


def _wrap(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return Array(np.asarray(value))
    if isinstance(value, list | tuple):
        return type(value)(_wrap(item) for item in value)
    return value


def _on_device(function: Any) -> Any:
    def call(*args: Any, **kwargs: Any) -> Any:
        kwargs = {name: _unwrap(value) for name, value in kwargs.items()}
        return _wrap(function(*(_unwrap(value) for value in args), **kwargs))

    return call


class Array:
    """An array that behaves as one on a device."""

    __array_priority__ = 1000
    __array_ufunc__ = None  # NumPy arrays hand binary operations over, and are refused

    def __init__(self, host: np.ndarray) -> None:
        self._host = host

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        raise TypeError("Implicit conversion to a NumPy array is not allowed; use .get()")

    def get(self) -> np.ndarray:
        """Return the array on the host."""
        return self._host.copy()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # no array interface: NumPy must not look inside
            raise AttributeError(name)
        value = getattr(self._host, name)
        return _on_device(value) if callable(value) else _wrap(value) if name in _ARRAYS else value

    def __getitem__(self, index: Any) -> Any:
        return _wrap(self._host[_unwrap(index)])

    def __setitem__(self, index: Any, value: Any) -> None:
        self._host[_unwrap(index)] = _unwrap(value)

    def __len__(self) -> int:
        return len(self._host)

    def __iter__(self) -> Any:
        return (_wrap(item) for item in self._host)

    def __float__(self) -> float:
        return float(self._host)

    def __int__(self) -> int:
        return int(self._host)

    def __bool__(self) -> bool:
        return bool(self._host)


_ARITHMETIC = ("add", "sub", "mul", "truediv", "pow", "mod", "floordiv", "and", "or", "xor")
_COMPARISON = ("lt", "le", "gt", "ge", "eq", "ne", "matmul")
_ARRAYS = ("real", "imag", "T")


def _give_operators() -> None:
    for name in [f"__{op}__" for op in _ARITHMETIC + _COMPARISON] + [f"__r{op}__" for op in _ARITHMETIC]:
        setattr(Array, name, lambda self, other, _name=name: _on_device(getattr(self._host, _name))(other))
    for name in ("__neg__", "__abs__", "__invert__", "__pos__"):
        setattr(Array, name, lambda self, _name=name: _wrap(getattr(self._host, _name)()))
    for op in ("add", "sub", "mul", "truediv"):

        def in_place(self: Array, other: Any, _name: str = f"__i{op}__") -> Array:
            getattr(self._host, _name)(_unwrap(other))
            return self

        setattr(Array, f"__i{op}__", in_place)


_give_operators()


class _Library(types.ModuleType):
    """A module whose functions are those of another one, on the device."""

    def __init__(self, name: str, host: Any, **own: Any) -> None:
        super().__init__(name)
        self.__dict__.update(own, _host=host)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._host, name)
        if isinstance(value, types.ModuleType):
            return _Library(f"{self.__name__}.{name}", value)
        return _on_device(value) if callable(value) and not isinstance(value, type) else value


def no_compiler(code: str) -> Any:
    """Stand in for a compiler that fails."""
    raise RuntimeError("the stand-in has no compiler")


def install(monkeypatch: Any, raw_module: Any = None) -> Any:
    """Put the stand-in where `import cupy` finds it, for one test, and return it.

    Args:
        monkeypatch: pytest's.
        raw_module: what compiles kernels; None leaves everything to the expressions.
    """
    if raw_module is None:
        monkeypatch.setattr(kernels, "_kernels", lambda cupy, device: None)
    Array.__module__ = "cupy"
    cupy = _Library(
        "cupy",
        np,
        ndarray=Array,
        asarray=lambda host, dtype=None: Array(np.array(host, dtype)),
        RawModule=raw_module,
        cuda=types.SimpleNamespace(Device=lambda: types.SimpleNamespace(id=0), is_available=lambda: True),
    )
    fft = _Library("cupyx.scipy.fft", scipy.fft)
    special = _Library("cupyx.scipy.special", scipy.special)
    package = types.ModuleType("cupyx.scipy")
    package.fft, package.special = fft, special  # type: ignore[attr-defined]
    modules = {
        "cupy": cupy,
        "cupyx": types.ModuleType("cupyx"),
        "cupyx.scipy": package,
        "cupyx.scipy.fft": fft,
        "cupyx.scipy.special": special,
    }
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    return cupy
