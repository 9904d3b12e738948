import pytest

from lensfree.memory import free_memory, is_memory_exhausted


class OutOfMemoryError(RuntimeError):
    """Named as those of torch and CuPy."""


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 5 GiB"),
        OutOfMemoryError("CUDA out of memory. Tried to allocate 5.00 GiB."),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 5 bytes"),
        RuntimeError("[enforce fail] posix_memalign. Cannot allocate memory"),
        RuntimeError("cuFFT error: CUFFT_ALLOC_FAILED"),
    ],
)
def test_exhausted_memory_is_told_by_any_library(error):
    assert is_memory_exhausted(error)


@pytest.mark.parametrize(
    "error", [ValueError("wrong shape"), RuntimeError("mat1 and mat2 cannot be multiplied")]
)
def test_other_errors_are_not_taken_for_it(error):
    assert not is_memory_exhausted(error)


def test_on_a_cpu_only_what_nothing_holds_is_freed():
    class Node:
        pass

    import weakref

    node = Node()
    node.itself = node
    seen = weakref.ref(node)
    del node
    free_memory("cpu")
    assert seen() is None
