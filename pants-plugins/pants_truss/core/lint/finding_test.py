from __future__ import annotations

from random import Random
from typing import Dict, List, Optional, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core.errors import TrussError
from pants_truss.core.lint.finding import RULES, RULES_BY_NAME, Finding, Policy, Severity, fatal

SECRET = Finding("secret", "a/x", "a token", line=3)
LARGE = Finding("large-file", "a/x", "large", Severity.WARNING)
SCHEMA = Finding("config-schema", "a/config.yaml", "unknown key", line=2)


def test_a_text_ends_with_the_rule() -> None:
    assert SECRET.text == "a token [secret]"
    # Gathering would fail anyway.
    assert Finding("cannot-gather", "a", "no folder:\n\n    x()\n").text == (
        "no folder:\n\n    x() [cannot-gather]"
    )
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
    assert fatal([SECRET, LARGE, SCHEMA, *found]) == [SECRET, SCHEMA]


@pytest.mark.parametrize(
    ("disable", "severity", "message"),
    [
        (["sercet"], {}, "'sercet' is not a rule. Rules: cannot-gather, collision,"),
        ([], {"sercet": "error"}, "'sercet' is not a rule"),
        ([], {"secret": "fatal"}, "the severity of secret is 'fatal'. Write one of: error, note"),
    ],
)
def test_bad_options(disable: list[str], severity: dict[str, str], message: str) -> None:
    with pytest.raises(TrussError, match=message):
        Policy.of(disable, severity)


def test_rules_are_sorted_and_described() -> None:
    assert [rule.name for rule in RULES] == sorted(rule.name for rule in RULES)
    assert all(rule.summary.endswith(".") and rule.help.endswith(".") for rule in RULES)


def test_every_rule_has_its_own_name_and_can_be_found_by_it() -> None:
    assert list(RULES_BY_NAME.values()) == list(RULES)
    # A warning that stops a package would be none.
    assert all(rule.severity is Severity.ERROR for rule in RULES if rule.is_fatal)


@pytest.mark.parametrize(
    ("line", "column", "place"),
    [(None, None, "a/b c.py"), (1, None, "a/b c.py:1"), (12, 3, "a/b c.py:12")],
)
def test_places(line: Optional[int], column: Optional[int], place: str) -> None:
    assert Finding("secret", "a/b c.py", "", line=line, column=column).place == place


def test_the_rules_whose_errors_are_fatal() -> None:
    # One more stops packages that worked before.
    names = ["cannot-gather", "collision", "config-schema", "dropped-file", "injection"]
    names += ["invalid-requirement", "model-class", "requirement-not-in-image"]
    for severity in Severity:
        found = fatal(Finding(rule.name, "x", "", severity) for rule in RULES)
        expected = [*names, "secret"] if severity is Severity.ERROR else []
        assert [finding.rule for finding in found] == expected


def test_a_message_that_no_terminal_can_hold() -> None:
    finding = Finding("secret", "x", "the key \ud800 é 🔑")
    assert finding.text.startswith("the key \\ud800 é 🔑 [secret]")


def test_an_error_that_is_made_a_note_is_not_fatal() -> None:
    (note,) = Policy.of([], {"config-schema": "note"}).apply([SCHEMA])
    assert (note.severity, note.is_fatal) == (Severity.NOTE, False)
    assert (note.path, note.message, note.line) == (SCHEMA.path, SCHEMA.message, SCHEMA.line)


def test_findings_that_a_severity_makes_equal_are_reported_once() -> None:
    policy = Policy.of([], {"secret": "warning"})
    twice = [Finding("secret", "x", "m", severity) for severity in Severity]
    assert len(Policy().apply(twice)) == 3
    assert policy.apply(twice) == (Finding("secret", "x", "m", Severity.WARNING),)


def test_a_policy_does_not_depend_on_the_order_of_options() -> None:
    first = Policy.of(["secret", "collision"], {"large-file": "error", "injection": "note"})
    second = Policy.of(["collision", "secret"], {"injection": "note", "large-file": "error"})
    assert first == second and hash(first) == hash(second)


@pytest.mark.parametrize("name", ["", " secret", "Secret", "secret,collision", "*", "all"])
def test_a_name_that_is_nearly_a_rule(name: str) -> None:
    with pytest.raises(TrussError) as error:
        Policy.of(["collision", name], {})
    assert str(error.value).startswith(f"{name!r} is not a rule. Rules: cannot-gather, ")
    assert all(rule.name in str(error.value) for rule in RULES)


@pytest.mark.parametrize("value", ["", "Error", "ERROR", "warn", "off", "none"])
def test_a_value_that_is_nearly_a_severity(value: str) -> None:
    with pytest.raises(TrussError) as error:
        Policy.of([], {"secret": "note", "collision": value})
    assert str(error.value) == (
        f"the severity of collision is {value!r}. Write one of: error, note, warning."
    )


NAMES = st.sampled_from(sorted(RULES_BY_NAME))
FINDINGS = st.lists(
    st.builds(
        Finding,
        NAMES,
        st.sampled_from(["a", "a/b", "b"]),
        st.sampled_from(["", "one", "two"]),
        st.sampled_from(Severity),
        st.sampled_from([None, 1, 2, 10]),
        st.sampled_from([None, 1, 2]),
    ),
    max_size=8,
)
SEVERITIES = st.dictionaries(NAMES, st.sampled_from([s.value for s in Severity]), max_size=4)


@given(FINDINGS, st.lists(NAMES, max_size=4), SEVERITIES, st.randoms())
def test_what_a_policy_does(
    findings: List[Finding], disable: List[str], severity: Dict[str, str], random: Random
) -> None:
    policy = Policy.of(disable, severity)
    applied = policy.apply(findings)
    assert set(policy.apply(applied)) == set(applied)
    shuffled = random.sample(findings, len(findings))
    assert [_but_severity(f) for f in policy.apply(shuffled)] == [_but_severity(f) for f in applied]
    assert len(set(applied)) == len(applied)
    kept = [finding for finding in findings if finding.rule not in disable]
    assert {_but_severity(f) for f in applied} == {_but_severity(f) for f in kept}
    for finding in applied:
        expected = severity.get(finding.rule)
        assert expected is None or finding.severity.value == expected
    places = [(f.path, f.line or 0, f.column or 0) for f in applied]
    assert places == sorted(places)


def _but_severity(finding: Finding) -> Sequence[object]:
    return (finding.rule, finding.path, finding.message, finding.line, finding.column)


def test_a_place_is_one_line_that_no_terminal_obeys() -> None:
    found = Finding("secret", "a/k\n::error::x\x1b[31m\u202e", "b\x07\n::error::y", line=3)
    assert found.place == "a/k\\n::error::x\\x1b[31m\\u202e:3"
    assert found.text.startswith("b\\x07\n\\::error::y [")
