from __future__ import annotations

import json
import pkgutil
from typing import List, Tuple

import pytest
from pants.backend.python.util_rules.interpreter_constraints import InterpreterConstraints
from pants.engine.internals.scheduler import ExecutionError
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.serving.environment import LOCKED_PYTHONS
from pants_truss.subsystems.serving import GpuTests, TrussServer, TrussTest


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[
            *TrussServer.rules(),
            *TrussTest.rules(),
            QueryRule(TrussServer, []),
            QueryRule(TrussTest, []),
        ]
    )


@pytest.mark.parametrize(
    "args, expected",
    [
        ([], (GpuTests.SKIP, False)),
        (["--truss-test-gpu=run"], (GpuTests.RUN, False)),
        (["--truss-test-gpu=skip", "--truss-test-skip"], (GpuTests.SKIP, True)),
        (["--truss-test-skip", "--no-truss-test-skip"], (GpuTests.SKIP, False)),
    ],
)
def test_options_that_skip_tests(
    rule_runner: RuleRunner, args: List[str], expected: Tuple[GpuTests, bool]
) -> None:
    rule_runner.set_options(args)
    found = rule_runner.request(TrussTest, [])
    assert (found.gpu, found.skip) == expected


@pytest.mark.parametrize("value", ["yes", "true", "SKIP", ""])
def test_unknown_values_of_gpu_are_refused(rule_runner: RuleRunner, value: str) -> None:
    rule_runner.set_options([f"--truss-test-gpu={value}"])
    with pytest.raises(ExecutionError) as error:
        rule_runner.request(TrussTest, [])
    assert f"Invalid choice {value!r}. Choose from: skip, run" in str(error.value)


def test_the_server_has_a_lockfile_unless_a_resolve_is_named(rule_runner: RuleRunner) -> None:
    rule_runner.set_options([])
    assert rule_runner.request(TrussServer, []).install_from_resolve is None
    rule_runner.set_options(["--truss-server-install-from-resolve=é"])
    assert rule_runner.request(TrussServer, []).install_from_resolve == "é"


def test_the_lockfile_of_the_server_supports_its_pythons() -> None:
    """For other versions, the list in the release is resolved."""
    content = pkgutil.get_data("pants_truss.requirements", "truss_server.lock.metadata") or b""
    locked = InterpreterConstraints(json.loads(content)["valid_for_interpreter_constraints"])
    universe = [f"3.{minor}" for minor in range(7, 16)]
    found = [
        version
        for version in universe
        if locked.contains(InterpreterConstraints([f"CPython=={version}.*"]), universe)
    ]
    first, last = ((3, int(version[2:])) for version in (found[0], found[-1]))
    assert LOCKED_PYTHONS == (first, last)
    assert found == [f"3.{minor}" for minor in range(first[1], last[1] + 1)]
