"""CUDA C++ kernels run by a C++ compiler's program, for machines without a GPU.

It takes what `kernels.cu` uses of CUDA: thread indices along x, float2, single-precision functions. Threads
run one after the other, the last one first, so that a kernel that counts on an order shows it. Every
pointer knows its length and reports an access outside; the types of arguments, about which CuPy asks
nothing, must be those of the signature. It says nothing about speed, and nothing about what only a real
card does; the tests marked `gpu` do.
"""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

COMPILER = shutil.which("g++") or shutil.which("c++")

CUDA = """
#include <cmath>
#include <type_traits>
#define __global__
#define __device__
struct Place { unsigned x; };
static Place blockIdx, threadIdx, blockDim, gridDim;
struct float2 { float x, y; };
static inline float2 make_float2(float x, float y) { return float2{x, y}; }
static int is_outside;
template <class T> struct Pointer {
  T* first;
  long long size;
  Pointer(T* first, long long size = 1) : first(first), size(size) {}
  T& operator*() const { return (*this)[0]; }
  T& operator[](long long i) const {
    static typename std::remove_const<T>::type nothing;
    if (i >= 0 && i < size) return first[i];
    is_outside = 1;
    return nothing;
  }
};
"""
POINTER = re.compile(r"((?:const )?(?:float2|float|double))\*")
SIGNATURE = re.compile(r'extern "C" __global__ void (\w+)\(([^)]*)\)')
ARRAYS = {"float": np.float32, "float2": np.complex64, "double": np.float64}
SCALARS = {"float": (np.float32, ctypes.c_float), "Index": (np.int64, ctypes.c_longlong)}


class HostModule:
    """Stands in for `cupy.RawModule`, for arrays of `strict_cupy`."""

    def __init__(self, code: str) -> None:
        self._library = _built(code)
        self._signatures = signatures(code)

    def get_function(self, name: str) -> Any:
        """Return the kernel as CuPy would: called with grid, block and arguments."""
        types = self._signatures[name]

        def launch(grid: tuple[int], block: tuple[int], arguments: tuple[Any, ...]) -> None:
            assert 0 < block[0] <= 1024 and 0 < grid[0] < 2**31 and len(grid) == len(block) == 1
            assert len(arguments) == len(types), f"{name}: {len(arguments)} arguments for {types}"
            passed = [ctypes.c_uint(grid[0]), ctypes.c_uint(block[0])]
            for argument, type_ in zip(arguments, types, strict=True):
                passed += _as_c(argument, type_, name)
            assert getattr(self._library, f"run_{name}")(*passed) == 0, f"{name} left an array"

        return launch


def signatures(code: str) -> dict[str, list[str]]:
    """Return the types of each kernel's parameters, without const."""
    return {
        name: [parameter.split()[-2] for parameter in parameters.split(",")]
        for name, parameters in SIGNATURE.findall(code)
    }


def _as_c(argument: Any, type_: str, name: str) -> list[Any]:
    if not type_.endswith("*"):
        wanted, c_type = SCALARS[type_]
        assert type(argument) is wanted, f"{name}: {type(argument)} for {type_}"
        return [c_type(argument)]
    host = argument._host  # of a NumPy array this fails, as it would read garbage on a card
    assert host.dtype == ARRAYS[type_[:-1]], f"{name}: {host.dtype} for {type_}"
    assert host.flags.c_contiguous, f"{name}: an array is not contiguous"
    return [ctypes.c_void_p(host.ctypes.data), ctypes.c_longlong(host.size)]


def _driver(name: str, types: list[str]) -> str:
    """Return a C function that runs a kernel for every thread of a grid."""
    parameters, handed = [], []
    for i, type_ in enumerate(types):
        if type_.endswith("*"):
            parameters += [f"{type_} a{i}", f"Index n{i}"]
            handed.append(f"{{a{i}, n{i}}}")
        else:
            parameters.append(f"{type_} a{i}")
            handed.append(f"a{i}")
    return f"""
extern "C" int run_{name}(unsigned grid, unsigned block, {", ".join(parameters)}) {{
  is_outside = 0;
  gridDim.x = grid;
  blockDim.x = block;
  for (blockIdx.x = grid; blockIdx.x-- > 0;)
    for (threadIdx.x = block; threadIdx.x-- > 0;) {name}({", ".join(handed)});
  return is_outside;
}}
"""


@lru_cache(maxsize=4)
def _built(code: str) -> Any:
    drivers = "".join(_driver(name, types) for name, types in signatures(code).items())
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder) / "kernels.cpp", Path(folder) / "kernels.so"
        source.write_text(CUDA + POINTER.sub(r"Pointer<\1>", code) + drivers, encoding="utf-8")
        command = [str(COMPILER), "-O1", "-shared", "-fPIC", "-o", str(library), str(source)]
        subprocess.run(command, check=True, capture_output=True, text=True)
        return ctypes.CDLL(str(library))
