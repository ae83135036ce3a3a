from __future__ import annotations

import ctypes

import psutil  # type: ignore[import]  # pants: no-infer-dep
import pytest

from pants_truss.pants_api.heap import release

CHUNK, COUNT = 60_000, 4_000


def resident_bytes() -> int:
    return int(psutil.Process().memory_info().rss)


def test_free_memory_in_the_middle_of_the_heap_is_released() -> None:
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "malloc_trim"):
        pytest.skip("only glibc keeps it")
    libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    libc.free.argtypes = [ctypes.c_void_p]
    chunks = [libc.malloc(CHUNK) for _ in range(COUNT)]
    for chunk in chunks:
        ctypes.memset(chunk, 1, CHUNK)
    before = resident_bytes()
    for chunk in chunks[: COUNT - 1]:
        libc.free(chunk)
    release(limit=2 * before)
    assert resident_bytes() > 0.9 * before
    release(limit=0)
    assert resident_bytes() < before - CHUNK * COUNT / 2
    libc.free(chunks[-1])
