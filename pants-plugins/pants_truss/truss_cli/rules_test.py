from __future__ import annotations

from typing import Tuple

import pytest
from pants.testutil.rule_runner import QueryRule, RuleRunner, engine_error

from pants_truss.truss_cli import rules as truss_cli
from pants_truss.truss_cli.rules import TrussCliFailed, TrussRelease, TrussReleaseRequest
from pants_truss.util_rules import lockfile


@pytest.fixture
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[
            *lockfile.rules(),
            *truss_cli.rules(),
            QueryRule(TrussRelease, [TrussReleaseRequest]),
        ]
    )


def release(rule_runner: RuleRunner, *options: str) -> Tuple[int, ...]:
    resolves = "--python-resolves={'mine': 'mine.lock'}"
    rule_runner.set_options([resolves, *options], env_inherit={"PATH", "PYENV_ROOT", "HOME"})
    return rule_runner.request(TrussRelease, [TrussReleaseRequest()]).version


def test_the_release_is_that_of_the_lockfile(rule_runner: RuleRunner) -> None:
    rule_runner.write_files({"mine.lock": "pyyaml==6.0\ntruss==0.18.17\n"})
    assert release(rule_runner) == (0, 18, 35)
    assert release(rule_runner, "--truss-cli-install-from-resolve=mine") == (0, 18, 17)
    rule_runner.write_files({"mine.lock": "truss==0.19.0rc1\n"})
    assert release(rule_runner, "--truss-cli-install-from-resolve=mine") == (0, 19)


def test_a_resolve_without_truss(rule_runner: RuleRunner) -> None:
    rule_runner.write_files({"mine.lock": "pyyaml==6.0\n"})
    with engine_error(TrussCliFailed, contains="does not have `truss`"):
        release(rule_runner, "--truss-cli-install-from-resolve=mine")
    with engine_error(TrussCliFailed, contains="which `[python].resolves` does not name"):
        release(rule_runner, "--truss-cli-install-from-resolve=other")
