from __future__ import annotations

import pytest

from pants_truss.core.errors import TrussError
from pants_truss.core.lint.finding import RULES, Finding, Policy, Severity, fatal

SECRET = Finding("secret", "a/x", "a token", line=3)
LARGE = Finding("large-file", "a/x", "large", Severity.WARNING)
SCHEMA = Finding("config-schema", "a/config.yaml", "unknown key", line=2)


def test_a_text_ends_with_the_rule_and_how_to_silence_it() -> None:
    assert SECRET.text == "a token [secret; `[truss-lint].disable` silences it]"
    assert SECRET.place == "a/x:3" and LARGE.place == "a/x"


def test_findings_are_sorted_and_told_once() -> None:
    assert Policy().apply([SECRET, SCHEMA, LARGE, SECRET]) == (SCHEMA, LARGE, SECRET)


def test_disabled_rules_and_other_severities() -> None:
    policy = Policy.of(["secret"], {"large-file": "error", "config-schema": "note"})
    large, schema = Policy.of([], {"large-file": "error"}).apply([LARGE, SCHEMA])[::-1]
    assert (large.severity, schema.severity) == (Severity.ERROR, Severity.ERROR)
    found = policy.apply([SECRET, LARGE, SCHEMA])
    assert [(f.rule, f.severity.value) for f in found] == [
        ("config-schema", "note"),
        ("large-file", "error"),
    ]
    # Only rules that a package must never break are fatal, and only as errors.
    assert fatal([SECRET, LARGE, SCHEMA, *found]) == [SCHEMA]


@pytest.mark.parametrize(
    ("disable", "severity", "message"),
    [
        (["sercet"], {}, "'sercet' is no rule. There are: cannot-gather, collision,"),
        ([], {"sercet": "error"}, "'sercet' is no rule"),
        ([], {"secret": "fatal"}, "the severity of secret is 'fatal'. Write one of: error, note"),
    ],
)
def test_bad_options(disable: list[str], severity: dict[str, str], message: str) -> None:
    with pytest.raises(TrussError, match=message):
        Policy.of(disable, severity)


def test_rules_are_sorted_and_described() -> None:
    assert [rule.name for rule in RULES] == sorted(rule.name for rule in RULES)
    assert all(rule.summary.endswith(".") and rule.help.endswith(".") for rule in RULES)
