"""Calls rules by name through the adapter for the Pants that the tests run on."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, List, Optional, Tuple

import pytest
from pants.core.goals.test import ShowOutput
from pants.core.goals.test import TestResult as Result
from pants.core.target_types import GenericTarget
from pants.engine.addresses import Address
from pants.engine.fs import (
    EMPTY_SNAPSHOT,
    AddPrefix,
    CreateDigest,
    Digest,
    DigestContents,
    DigestSubset,
    FileContent,
    MergeDigests,
    PathGlobs,
    RemovePrefix,
    Snapshot,
)
from pants.engine.internals.scheduler import ExecutionError
from pants.engine.internals.session import RunId
from pants.engine.process import FallibleProcessResult, Process
from pants.engine.rules import TaskRule, collect_rules
from pants.engine.target import Dependencies
from pants.testutil.rule_runner import QueryRule, RuleRunner
from pants.util.logging import LogLevel

from pants_truss.pants_api import (
    HAS_CALL_BY_NAME,
    add_prefix,
    concurrently,
    create_digest,
    digest_subset,
    digest_to_snapshot,
    explicitly_provided_dependencies,
    get_digest_contents,
    get_digest_entries,
    implicitly,
    make_test_result,
    merge_digests,
    path_globs_to_digest,
    path_globs_to_paths,
    remove_prefix,
    rule,
)

CALLS: List[int] = []

by_type = pytest.mark.skipif(HAS_CALL_BY_NAME, reason="this Pants calls rules by name itself")


@dataclass(frozen=True)
class DoubleRequest:
    number: int


@dataclass(frozen=True)
class Double:
    number: int


@rule
async def double(request: DoubleRequest) -> Double:
    """Returns twice the number."""
    if request.number < 0:
        raise ValueError(f"{request.number} is negative")
    CALLS.append(request.number)
    return Double(2 * request.number)


@dataclass(frozen=True)
class SumRequest:
    numbers: Tuple[int, ...]


@dataclass(frozen=True)
class Sum:
    numbers: Tuple[int, ...]
    caught: Optional[str] = None


@rule(desc="Add up", level=LogLevel.DEBUG)
async def add_up(request: SumRequest, run_id: RunId) -> Sum:
    """The first parameter is the request; the others are injected by type."""
    assert isinstance(run_id, int)
    try:
        found = await concurrently(
            double(DoubleRequest(number), **implicitly()) for number in request.numbers
        )
    except ValueError as e:
        return Sum((), str(e))
    return Sum(tuple(each.number for each in found))


@dataclass(frozen=True)
class SeveralRequest:
    number: int


@dataclass(frozen=True)
class Several:
    two: Tuple[object, ...]
    four: Tuple[object, ...]
    none: Tuple[object, ...]


@rule
async def ask_for_several(request: SeveralRequest) -> Several:
    one = DoubleRequest(request.number)
    two = await concurrently(double(one), add_up(SumRequest((3, 4)), **implicitly()))
    four = await concurrently(
        double(one), add_up(SumRequest(()), **implicitly()), double(one), double(DoubleRequest(9))
    )
    none: Tuple[Double, ...] = await concurrently(double(one) for _ in ())
    return Several(two, four, none)


@dataclass(frozen=True)
class FilesRequest:
    pass


@dataclass(frozen=True)
class Files:
    laid: Tuple[str, ...]
    subset: Tuple[str, ...]
    contents: Tuple[Tuple[str, bytes, bool], ...]
    in_repository: Tuple[str, ...]
    digest: Digest


@rule
async def move_files(_: FilesRequest) -> Files:
    """Uses most of the engine calls that the rules of this plugin use."""
    made = await create_digest(
        CreateDigest([FileContent("é/a", b"1", is_executable=True), FileContent("b", b"2")]),
        **implicitly(),
    )
    found = await path_globs_to_digest(PathGlobs(["files/*"]), **implicitly())
    paths = await path_globs_to_paths(PathGlobs(["files/*"]), **implicitly())
    moved = await add_prefix(AddPrefix(made, "x/y"), **implicitly())
    merged = await merge_digests(MergeDigests([moved, found]), **implicitly())
    snapshot = await digest_to_snapshot(merged)
    part = await digest_subset(DigestSubset(merged, PathGlobs(["x/**"])), **implicitly())
    back = await remove_prefix(RemovePrefix(part, "x/y"))
    contents = await get_digest_contents(back)
    return Files(
        snapshot.files,
        tuple(entry.path for entry in await get_digest_entries(part)),
        tuple((file.path, file.content, file.is_executable) for file in contents),
        paths.files,
        back,
    )


@dataclass(frozen=True)
class ListedRequest:
    field: Dependencies


@dataclass(frozen=True)
class Listed:
    included: Tuple[str, ...]
    ignored: Tuple[str, ...]


@rule
async def list_dependencies(request: ListedRequest) -> Listed:
    found = await explicitly_provided_dependencies(request.field)
    return Listed(
        tuple(address.spec for address in found.includes),
        tuple(address.spec for address in found.ignores),
    )


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[
            *collect_rules(),
            QueryRule(Double, [DoubleRequest]),
            QueryRule(FallibleProcessResult, [Process]),
            QueryRule(Files, [FilesRequest]),
            QueryRule(Listed, [ListedRequest]),
            QueryRule(Several, [SeveralRequest]),
            QueryRule(Sum, [SumRequest]),
        ],
        target_types=[GenericTarget],
    )


# --- Rules.


def test_a_rule_runs_once_for_each_request(rule_runner: RuleRunner) -> None:
    numbers = (101, 102, 101)
    for _ in range(2):
        assert rule_runner.request(Sum, [SumRequest(numbers)]) == Sum((202, 204, 202))
    assert [CALLS.count(number) for number in (101, 102)] == [1, 1]
    assert rule_runner.request(Double, [DoubleRequest(101)]) == Double(202)


def test_errors_of_rules_can_be_caught(rule_runner: RuleRunner) -> None:
    assert rule_runner.request(Sum, [SumRequest((1, -2))]) == Sum((), "-2 is negative")
    with pytest.raises(ExecutionError) as error:
        rule_runner.request(Double, [DoubleRequest(-3)])
    assert [repr(each) for each in error.value.wrapped_exceptions] == [
        "ValueError('-3 is negative')"
    ]


def test_concurrent_calls_of_different_types_keep_their_order(rule_runner: RuleRunner) -> None:
    assert rule_runner.request(Several, [SeveralRequest(5)]) == Several(
        (Double(10), Sum((6, 8))), (Double(10), Sum(()), Double(10), Double(18)), ()
    )


@by_type
def test_a_rule_has_its_module_and_description() -> None:
    found = {task.output_type: task for task in collect_rules() if isinstance(task, TaskRule)}
    assert found[Sum].desc == "Add up" and found[Sum].level is LogLevel.DEBUG
    assert found[Double].desc is None
    assert found[Sum].input_selectors == (SumRequest, RunId)
    assert found[Sum].canonical_name.endswith("adapter_test.add_up")
    assert double.__doc__ == "Returns twice the number."


@by_type
def test_a_call_alone_runs_nothing() -> None:
    """Outside the engine, a call only describes the request."""
    call: Any = double(DoubleRequest(7), **implicitly())
    assert (call.output_type, call.input_types, call.inputs) == (
        Double,
        [DoubleRequest],
        [DoubleRequest(7)],
    )
    assert 7 not in CALLS


@by_type
def test_a_call_has_only_its_request_as_a_positional_argument() -> None:
    call: Any = double
    for arguments in ((), (DoubleRequest(1), RunId(1))):
        with pytest.raises(TypeError):
            call(*arguments)


@by_type
def test_the_request_of_a_rule_is_its_first_parameter_in_each_release() -> None:
    """Parameters have names since Pants 2.20."""
    from pants_truss.pants_api._by_type import request_type

    assert request_type(SimpleNamespace(input_selectors=(int, str))) is int
    assert request_type(SimpleNamespace(parameters={"b": int, "a": str})) is int


# --- Calls of the engine.


def test_engine_calls_on_files(rule_runner: RuleRunner) -> None:
    rule_runner.write_files({"files/in the repository": "3"})
    found = rule_runner.request(Files, [FilesRequest()])
    assert found.laid == ("files/in the repository", "x/y/b", "x/y/é/a")
    assert set(found.subset) == {"x/y/b", "x/y/é/a"}
    assert set(found.contents) == {("b", b"2", False), ("é/a", b"1", True)}
    assert found.in_repository == ("files/in the repository",)
    contents = rule_runner.request(DigestContents, [found.digest])
    assert {file.path for file in contents} == {"b", "é/a"}


def test_dependencies_that_a_target_lists(rule_runner: RuleRunner) -> None:
    build = "target(name='t', dependencies=['other', ':b', '!:a'])\n"
    build += "target(name='a')\ntarget(name='b')\n"
    rule_runner.write_files({"listed/BUILD": build, "other/BUILD": "target()\n"})
    field = rule_runner.get_target(Address("listed", target_name="t"))[Dependencies]
    assert rule_runner.request(Listed, [ListedRequest(field)]) == Listed(
        ("listed:b", "other:other"), ("listed:a",)
    )


# --- Results of tests.


def run(rule_runner: RuleRunner, code: str) -> FallibleProcessResult:
    process = Process((sys.executable, "-c", code), description="a test")
    return rule_runner.request(FallibleProcessResult, [process])


@pytest.mark.parametrize("exit_code", [0, 1, 7])
def test_a_result_has_the_text_in_place_of_the_output(
    rule_runner: RuleRunner, exit_code: int
) -> None:
    code = f"import sys; print('out'); print('err', file=sys.stderr); sys.exit({exit_code})"
    address = Address("src/é x", target_name="t")
    text = "2 passed\n✓ é\n"
    made = make_test_result(
        run(rule_runner, code), address, ShowOutput.ALL, text=text, reports=EMPTY_SNAPSHOT
    )
    assert isinstance(made, Result)
    assert made.exit_code == exit_code and made.addresses == (address,)
    shown: Any = made
    if hasattr(made, "stdout_bytes"):
        assert (shown.stdout_bytes, shown.stderr_bytes) == (text.encode(), b"")
    else:
        assert (shown.stdout, shown.stderr) == (text, "")
    ended = f"failed (exit code {exit_code})" if exit_code else "succeeded"
    assert made.message().startswith(ended)
    assert "out\n" not in made.message() and "err\n" not in made.message()


def test_output_that_is_not_utf8(rule_runner: RuleRunner) -> None:
    process = run(rule_runner, "import os; os.write(1, b'\\xff'); os.write(2, b'\\xff')")
    made = make_test_result(
        process, Address("t"), ShowOutput.ALL, text="ok", reports=EMPTY_SNAPSHOT
    )
    assert made.exit_code == 0 and "ok" in made.message() + str(made)


def test_a_result_keeps_its_reports(rule_runner: RuleRunner) -> None:
    digest = rule_runner.request(Digest, [CreateDigest([FileContent("t.xml", b"<x/>")])])
    reports = rule_runner.request(Snapshot, [digest])
    made = make_test_result(
        run(rule_runner, "pass"), Address("t"), ShowOutput.NONE, text="", reports=reports
    )
    assert made.xml_results and made.xml_results.files == ("t.xml",)
    assert made.output_setting is ShowOutput.NONE
