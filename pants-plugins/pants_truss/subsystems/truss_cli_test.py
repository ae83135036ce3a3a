"""Checks that the tool's options match its lockfile; nothing else keeps the two in step."""

from __future__ import annotations

import json
import pkgutil
from typing import Any, Dict, List

import pytest
from packaging.requirements import Requirement
from pants.backend.python.util_rules.interpreter_constraints import InterpreterConstraints
from pants.backend.python.util_rules.pex_requirements import Resolve
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.core import lockfile
from pants_truss.core.requirement import marker_environments
from pants_truss.subsystems.truss_cli import TrussCli

UNIVERSE = [f"3.{minor}" for minor in range(7, 16)]
PYTHONS = ["3.10", "3.11", "3.12", "3.13"]


@pytest.fixture(scope="module")
def content() -> bytes:
    return pkgutil.get_data(*TrussCli.default_lockfile_resource) or b""


@pytest.fixture(scope="module")
def metadata() -> Dict[str, Any]:
    """Pants 2.30 and later read it from a file beside the lockfile."""
    package, name = TrussCli.default_lockfile_resource
    found: Dict[str, Any] = json.loads(pkgutil.get_data(package, f"{name}.metadata") or b"")
    return found


def test_the_lockfile_is_for_the_default_release(metadata: Dict[str, Any]) -> None:
    assert metadata["generated_with_requirements"] == TrussCli.default_requirements
    assert [str(Requirement(TrussCli.default_version))] == TrussCli.default_requirements


def test_the_lockfile_is_for_the_pythons_of_the_tool(metadata: Dict[str, Any]) -> None:
    """Otherwise Pants rejects the lockfile in every repository."""
    own = InterpreterConstraints(TrussCli.default_interpreter_constraints)
    locked = InterpreterConstraints(metadata["valid_for_interpreter_constraints"])
    assert locked.contains(own, UNIVERSE) and own.contains(locked, UNIVERSE)
    allowed = [python for python in UNIVERSE if own.contains(_only(python), UNIVERSE)]
    assert allowed == PYTHONS


def _only(python: str) -> InterpreterConstraints:
    return InterpreterConstraints([f"CPython=={python}.*"])


@pytest.mark.parametrize("python", PYTHONS)
def test_the_lockfile_has_the_release_on_each_python(content: bytes, python: str) -> None:
    locked = lockfile.parse(content, marker_environments(python)).distributions
    assert f"truss=={locked['truss'].version}" == TrussCli.default_version
    # Modules that the scripts of this plugin import, in addition to Truss.
    assert {"click", "pyyaml", "requests"} <= set(locked)


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return RuleRunner(rules=[*TrussCli.rules(), QueryRule(TrussCli, [])])


@pytest.mark.parametrize(
    "args, constraints",
    [
        ([], ["CPython>=3.10,<3.14"]),
        (["--truss-cli-interpreter-constraints=['CPython==3.12.*']"], ["CPython==3.12.*"]),
    ],
)
def test_the_python_of_the_tool(
    rule_runner: RuleRunner, args: List[str], constraints: List[str]
) -> None:
    rule_runner.set_options(args)
    found = rule_runner.request(TrussCli, [])
    assert found.interpreter_constraints == InterpreterConstraints(constraints)


def test_another_release_is_a_resolve_of_the_repository(rule_runner: RuleRunner) -> None:
    rule_runner.set_options(["--truss-cli-install-from-resolve=mine"])
    found = rule_runner.request(TrussCli, [])
    pex = found.to_pex_request()
    requirements: Any = pex.requirements
    # The whole lockfile: for a part of it, Pex could choose other versions.
    assert requirements.from_superset == Resolve("mine", True)
    assert pex.output_filename == "truss_cli.pex"
