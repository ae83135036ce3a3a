from __future__ import annotations

from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.pants_api import heap
from pants_truss.pants_api.heap import TrimHeapRequest, TrimmedHeap, release


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
