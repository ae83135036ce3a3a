from __future__ import annotations

from typing import Dict, List, Optional

import pytest
from pants.testutil.option_util import create_subsystem

from pants_truss.core.lint.finding import RULES, Policy, Severity
from pants_truss.subsystems.lint import InvalidLintOptions, TrussLintSubsystem


def options(
    disable: Optional[List[str]] = None,
    severity: Optional[Dict[str, str]] = None,
    report: Optional[str] = None,
) -> TrussLintSubsystem:
    return create_subsystem(
        TrussLintSubsystem,
        disable=disable or [],
        severity=severity or {},
        report=report,
    )


NAMES = ", ".join(rule.name for rule in RULES)


def test_the_policy_has_disabled_rules_and_severities() -> None:
    found = options(["secret", "large-file"], {"unowned-python": "error", "injection": "note"})
    assert found.policy == Policy(
        ("large-file", "secret"),
        (("injection", Severity.NOTE), ("unowned-python", Severity.ERROR)),
    )
    assert options().policy == Policy()


@pytest.mark.parametrize("name", ["larg-file", "", "Secret", "secret ", "*", "é"])
def test_unknown_rules_are_refused(name: str) -> None:
    expected = f"`[truss-lint]` is not valid: {name!r} is not a rule. Rules: {NAMES}."
    for subsystem in (options([name]), options(None, {name: "error"})):
        with pytest.raises(InvalidLintOptions) as raised:
            subsystem.policy.apply([])
        assert str(raised.value) == expected


@pytest.mark.parametrize("value", ["ERROR", "off", "", "critical"])
def test_unknown_severities_are_refused(value: str) -> None:
    with pytest.raises(InvalidLintOptions) as raised:
        options(None, {"secret": value}).policy.apply([])
    assert str(raised.value) == (
        f"`[truss-lint]` is not valid: the severity of secret is {value!r}. Write one of: error, "
        "note, warning."
    )


@pytest.mark.parametrize(
    ("report", "path"),
    [
        (None, None),
        ("", None),
        ("truss.sarif", "truss.sarif"),
        ("./sub//truss.sarif", "sub/truss.sarif"),
        ("a/../b.sarif", "b.sarif"),
        ("é x.sarif", "é x.sarif"),
    ],
)
def test_the_path_of_the_report(report: Optional[str], path: Optional[str]) -> None:
    assert options(report=report).report_path == path


@pytest.mark.parametrize("report", ["/tmp/x.sarif", "../x.sarif", "a/../../x", ".", "./", ".."])
def test_a_report_cannot_leave_its_folder(report: str) -> None:
    with pytest.raises(InvalidLintOptions) as raised:
        assert options(report=report).report_path is None
    assert str(raised.value) == (
        f"`[truss-lint].report` is {report!r}, but must be the name of a file in dist/lint/truss. "
        'Write `report = "truss.sarif"`.'
    )
