from __future__ import annotations

from typing import Tuple

import pytest
from pants.testutil.rule_runner import QueryRule, RuleRunner, engine_error

from pants_truss.requirements import lockfile
from pants_truss.truss_cli import rules as truss_cli
from pants_truss.truss_cli.rules import TrussCliFailed, TrussRelease, TrussReleaseRequest


@pytest.fixture(scope="module")
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
    with engine_error(TrussCliFailed, contains="but `[python].resolves` does not name"):
        release(rule_runner, "--truss-cli-install-from-resolve=other")


@pytest.mark.parametrize(
    "version, numbers",
    [
        ("0.18.17", (0, 18, 17)),
        ("1", (1,)),
        ("0.9.0.dev3", (0, 9, 0)),
        ("0.19.post1", (0, 19)),
    ],
)
def test_the_numbers_of_a_release(version: str, numbers: Tuple[int, ...]) -> None:
    assert truss_cli.parse_version(version) == numbers


@pytest.mark.parametrize("path", ["../mine.lock", "/mine.lock", ""])
def test_a_lockfile_that_is_not_in_the_repository(rule_runner: RuleRunner, path: str) -> None:
    rule_runner.set_options(
        [f"--python-resolves={{'mine': {path!r}}}", "--truss-cli-install-from-resolve=mine"],
        env_inherit={"PATH", "PYENV_ROOT", "HOME"},
    )
    message = (
        "`[truss-cli].install_from_resolve` is 'mine', but `[python].resolves` does not name it "
        "with a path in the repository. Add it there."
    )
    with engine_error(TrussCliFailed, contains=message):
        rule_runner.request(TrussRelease, [TrussReleaseRequest()])


def test_the_lockfile_is_read_again_when_it_has_changed(rule_runner: RuleRunner) -> None:
    options = "--truss-cli-install-from-resolve=mine"
    rule_runner.write_files({"mine.lock": "pyyaml==6.0\n"})
    message = (
        "The resolve 'mine' of `[truss-cli].install_from_resolve` does not have `truss`. Add it to "
        "the requirements and run `pants generate-lockfiles --resolve=mine`."
    )
    with engine_error(TrussCliFailed, contains=message):
        release(rule_runner, options)
    # One marker holds on the tool's Python, the other does not.
    rule_runner.write_files(
        {
            "mine.lock": "truss==0.1; python_version < '3.9'\n"
            "truss==0.2; python_version >= '3.9'\n"
        }
    )
    assert release(rule_runner, options) == (0, 2)
