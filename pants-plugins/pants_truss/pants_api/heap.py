"""Gives memory that Pants' daemon does not use any more back to the system.

Pants holds about 65 kB for each node of its graph that is under way, and all nodes of a run may be
at the same time: 4 GB with 6,000 Python files. It frees them, but glibc keeps the memory for later,
in each of its arenas. Then the daemon is ended for `pantsd_max_memory_usage`, and until then each
process is started by a fork of all of that, at 0.1 s for each GB. `docs/performance.md` has the
measurements.
"""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import Iterable

from pants.engine.internals.session import RunId
from pants.engine.rules import collect_rules

from pants_truss.pants_api import rule

# In bytes. Below, there is nothing to be won.
_LARGE = 1 << 30


@dataclass(frozen=True)
class TrimHeapRequest:
    pass


@dataclass(frozen=True)
class TrimmedHeap:
    pass


@rule
async def trim_heap(_: TrimHeapRequest, run_id: RunId) -> TrimmedHeap:
    """Once in each session; the result is always the same, so nothing is made anew for it."""
    release(_LARGE)
    return TrimmedHeap()


def release(limit: int) -> None:
    """Does nothing below so many bytes, and where the C library is not glibc."""
    if resident_bytes() > limit:
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)


def resident_bytes() -> int:
    """Of this process; 0 where that is not known."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0


def rules() -> Iterable[object]:
    return collect_rules()
