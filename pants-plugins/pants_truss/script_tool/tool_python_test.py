"""Tests which Pythons the plugin's tools are built on."""

from __future__ import annotations

from typing import List

import pytest
from pants.backend.python.subsystems.setup import PythonSetup
from pants.backend.python.util_rules.pex import PexRequest
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.pants_api.lockfiles import NEWEST_PYTHON_OF_LOCKFILES
from pants_truss.script_tool.tool_python import tool_pex_request
from pants_truss.subsystems.truss_cli import TrussCli


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[
            *PythonSetup.rules(),
            *TrussCli.rules(),
            QueryRule(PythonSetup, []),
            QueryRule(TrussCli, []),
        ]
    )


def request(rule_runner: RuleRunner, *options: str) -> PexRequest:
    rule_runner.set_options(options)
    return tool_pex_request(rule_runner.request(TrussCli, []), rule_runner.request(PythonSetup, []))


def constraints(rule_runner: RuleRunner, *options: str) -> List[str]:
    return [
        str(constraint) for constraint in request(rule_runner, *options).interpreter_constraints
    ]


def of_the_repository(value: str) -> str:
    return f"--python-interpreter-constraints={value}"


OWN = "CPython<3.12,<3.14,>=3.10" if NEWEST_PYTHON_OF_LOCKFILES else "CPython<3.14,>=3.10"
# Without constraints, Pants chooses among the repository's Pythons.
REPOSITORYS: List[str] = []


@pytest.mark.parametrize(
    "users",
    [
        "['CPython==3.11.*']",
        "['CPython>=3.10,<3.12']",
    ],
)
def test_the_tool_uses_a_python_of_the_repository_if_its_lockfile_allows(
    rule_runner: RuleRunner, users: str
) -> None:
    assert constraints(rule_runner, of_the_repository(users)) == REPOSITORYS


@pytest.mark.parametrize(
    "users",
    [
        "['CPython==3.12.*']",
        "['CPython==3.10.*', 'CPython==3.12.*']",
        "['CPython>=3.11.4,<3.13']",
    ],
)
def test_a_python_that_the_locked_pip_does_not_support_is_not_used(
    rule_runner: RuleRunner, users: str
) -> None:
    expected = [OWN] if NEWEST_PYTHON_OF_LOCKFILES else REPOSITORYS
    assert constraints(rule_runner, of_the_repository(users)) == expected


@pytest.mark.parametrize(
    "users",
    [
        "['CPython==3.9.*']",
        "['CPython>=3.9,<3.12']",
        "['CPython==3.8.*', 'CPython==3.11.*']",
        "['CPython>=3.9']",
    ],
)
def test_the_tool_uses_its_own_python_if_none_of_the_repository_fits(
    rule_runner: RuleRunner, users: str
) -> None:
    assert constraints(rule_runner, of_the_repository(users)) == [OWN]


def test_explicit_interpreter_constraints_are_used(rule_runner: RuleRunner) -> None:
    options = [
        of_the_repository("['CPython==3.9.*']"),
        "--truss-cli-interpreter-constraints=['CPython==3.12.*']",
    ]
    assert constraints(rule_runner, *options) == ["CPython==3.12.*"]


def test_a_resolve_of_the_repository_is_used_unchanged(rule_runner: RuleRunner) -> None:
    options = [
        "--python-enable-resolves",
        "--python-resolves={'tools': 'tools.lock'}",
        "--truss-cli-install-from-resolve=tools",
        of_the_repository("['CPython==3.9.*']"),
    ]
    assert constraints(rule_runner, *options) == REPOSITORYS


def test_it_is_the_tool_that_is_built(rule_runner: RuleRunner) -> None:
    built = request(rule_runner, of_the_repository("['CPython==3.9.*']"))
    assert built.internal_only
    assert built.output_filename == "truss_cli.pex"
    assert built.main == TrussCli.default_main
