"""Tests that need an NVIDIA GPU; without one each is skipped.

    pip install -e '.[dev,cuda12]'  and a torch built for the same CUDA; then  pytest -m gpu

They repeat the CPU's tests and borrow their scenes.
"""

import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS / "phase"), str(TESTS / "cells"), str(TESTS.parent / "benchmarks")]


@pytest.fixture(scope="session", autouse=True)
def cupy():
    """CuPy with a GPU behind it."""
    try:
        import cupy
    except ImportError as error:
        pytest.skip(f"CuPy does not import: {error}")
    if not cupy.cuda.is_available():
        pytest.skip("no CUDA device")
    return cupy


@pytest.fixture
def torch_sees_it(cupy):
    """Skip where torch was built without CUDA: the network would then fail, which is not the test's fault."""
    import torch

    if not torch.cuda.is_available():
        pytest.skip("torch sees no CUDA device: install the torch that is built for this CUDA")
