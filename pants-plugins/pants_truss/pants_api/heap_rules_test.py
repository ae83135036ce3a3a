from __future__ import annotations

import re
from pathlib import Path

import pytest
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.pants_api import heap
from pants_truss.pants_api.heap import TrimHeapRequest, TrimmedHeap, release, resident_bytes

only_linux = pytest.mark.skipif(
    not resident_bytes(), reason="only Linux shows the memory of a process"
)


def from_status() -> int:
    """Reads the same number, in kB, from another file of the kernel."""
    found = re.search(r"^VmRSS:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found
    return int(found.group(1)) * 1024


@only_linux
def test_resident_bytes_match_the_kernel() -> None:
    # The two numbers are read one after the other, and the kernel rounds.
    assert abs(resident_bytes() - from_status()) < 8 << 20


@only_linux
def test_memory_counts_once_it_is_touched() -> None:
    before, size = resident_bytes(), 64 << 20
    held = bytearray(size)
    for place in range(0, size, 4096):
        held[place] = 1
    assert resident_bytes() - before > 0.9 * size
    del held
    assert resident_bytes() - before < 0.5 * size


@only_linux
def test_memory_in_use_is_not_released() -> None:
    held = [bytearray(10_000) for _ in range(1_000)]
    for number, each in enumerate(held):
        each[5_000] = number % 256
    release(limit=0)
    assert all(each[5_000] == number % 256 for number, each in enumerate(held))


def test_each_session_has_the_same_result() -> None:
    """Rules that await the result are not run again in each session."""
    runner = RuleRunner(rules=[*heap.rules(), QueryRule(TrimmedHeap, [TrimHeapRequest])])
    found = []
    for _ in range(2):
        runner.set_options([])
        found.append(runner.request(TrimmedHeap, [TrimHeapRequest()]))
    assert found[0] == found[1] == TrimmedHeap()
