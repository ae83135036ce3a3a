"""Returns unused memory of Pants' daemon to the operating system.

Pants holds about 65 kB for each node of its graph that is in progress, and all nodes of a run may
be in progress at once: 4 GB for 6,000 Python files. Pants frees that memory, but glibc keeps it in
each of its arenas. Then Pants ends the daemon because of `pantsd_max_memory_usage`; until then each
process starts with a fork of all that memory, at 0.1 s for each GB. `docs/performance.md` has the
measurements.
"""

from __future__ import annotations

import ctypes
from contextlib import suppress
from dataclasses import dataclass
from typing import Iterable

import psutil  # type: ignore[import]  # pants: no-infer-dep
from pants.engine.internals.session import RunId
from pants.engine.rules import collect_rules

from pants_truss.pants_api import rule

# In bytes. Below this size, trimming gains nothing.
_LARGE = 1 << 30


@dataclass(frozen=True)
class TrimHeapRequest:
    pass


@dataclass(frozen=True)
class TrimmedHeap:
    pass


@rule
async def trim_heap(_: TrimHeapRequest, run_id: RunId) -> TrimmedHeap:
    """Trims once in each session. The result is always equal, so nothing that awaits it reruns."""
    release(_LARGE)
    return TrimmedHeap()


def release(limit: int) -> None:
    """Does nothing if this process uses at most `limit` bytes of memory, or if the C library is not
    glibc."""
    if psutil.Process().memory_info().rss > limit:
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)


def rules() -> Iterable[object]:
    return collect_rules()
