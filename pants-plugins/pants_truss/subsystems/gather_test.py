from __future__ import annotations

from typing import Dict, List, Optional

import pytest
from pants.engine.internals.scheduler import ExecutionError
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.core.truss_ignore import DEFAULT_IGNORE
from pants_truss.subsystems.gather import OutputFormat, PackageCollisions, TrussGatherSubsystem


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    rules = [*TrussGatherSubsystem.rules(), QueryRule(TrussGatherSubsystem, [])]
    return RuleRunner(rules=rules)


def parse(
    rule_runner: RuleRunner, *args: str, env: Optional[Dict[str, str]] = None
) -> TrussGatherSubsystem:
    rule_runner.set_options(args, env=env or {})
    return rule_runner.request(TrussGatherSubsystem, [])


def test_defaults(rule_runner: RuleRunner) -> None:
    found = parse(rule_runner)
    assert found.package_collisions is PackageCollisions.ERROR
    assert found.output_format is OutputFormat.DIRECTORY
    assert found.tailor is True
    assert found.ignore == DEFAULT_IGNORE


@pytest.mark.parametrize("value", ["error", "warn"])
def test_package_collisions(rule_runner: RuleRunner, value: str) -> None:
    found = parse(rule_runner, f"--truss-gather-package-collisions={value}")
    assert found.package_collisions.value == value


@pytest.mark.parametrize("value", ["directory", "tar"])
def test_output_formats(rule_runner: RuleRunner, value: str) -> None:
    by_variable = parse(rule_runner, env={"PANTS_TRUSS_GATHER_OUTPUT_FORMAT": value})
    by_flag = parse(rule_runner, f"--truss-gather-output-format={value}")
    assert by_variable.output_format.value == by_flag.output_format.value == value


@pytest.mark.parametrize(
    "option, value, choices",
    [
        ("package-collisions", "ignore", "error, warn"),
        ("package-collisions", "WARN", "error, warn"),
        ("output-format", "zip", "directory, tar"),
        ("output-format", "", "directory, tar"),
    ],
)
def test_unknown_values_are_refused(
    rule_runner: RuleRunner, option: str, value: str, choices: str
) -> None:
    with pytest.raises(ExecutionError) as error:
        parse(rule_runner, f"--truss-gather-{option}={value}")
    assert f"Invalid choice {value!r}. Choose from: {choices}" in str(error.value)


def test_tailoring_can_be_turned_off(rule_runner: RuleRunner) -> None:
    assert parse(rule_runner, "--no-truss-gather-tailor").tailor is False
    assert parse(rule_runner, env={"PANTS_TRUSS_GATHER_TAILOR": "false"}).tailor is False


@pytest.mark.parametrize(
    "value, expected",
    [
        ("[]", []),
        ("['*.csv', '!é x/']", ["*.csv", "!é x/"]),
        # Order matters: a later pattern overrides an earlier one.
        ("+['!*.pyc', '*.csv']", [*DEFAULT_IGNORE, "!*.pyc", "*.csv"]),
        (f"-['{DEFAULT_IGNORE[0]}']", list(DEFAULT_IGNORE[1:])),
        # A single pattern is added to the default.
        ("one, two", [*DEFAULT_IGNORE, "one, two"]),
    ],
)
def test_ignore_patterns_replace_or_extend_the_default(
    rule_runner: RuleRunner, value: str, expected: List[str]
) -> None:
    assert list(parse(rule_runner, f"--truss-gather-ignore={value}").ignore) == expected
