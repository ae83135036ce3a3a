from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Dict, List, Set
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core.lint.finding import RULES, Finding, Severity
from pants_truss.core.lint.report import LintedTruss
from pants_truss.core.lint.sarif import to_sarif


def run(*trusses: LintedTruss) -> Dict[str, Any]:
    log = json.loads(to_sarif(trusses))
    assert log["version"] == "2.1.0" and log["$schema"].endswith("/sarif-schema-2.1.0.json")
    (only,) = log["runs"]
    assert isinstance(only, dict)
    return only


def result(finding: Finding) -> Dict[str, Any]:
    (only,) = run(LintedTruss("a:a", (finding,)))["results"]
    assert isinstance(only, dict)
    return only


def place(finding: Finding) -> Dict[str, Any]:
    (location,) = result(finding)["locations"]
    physical = location["physicalLocation"]
    assert isinstance(physical, dict)
    return physical


FINDING = Finding("secret", "a/x.py", "a token.", line=2, column=3)

# --- The rules.


def test_every_rule_is_described() -> None:
    driver = run()["tool"]["driver"]
    assert driver["name"] == "pants-truss"
    assert [rule["id"] for rule in driver["rules"]] == [rule.name for rule in RULES]
    for described, rule in zip(driver["rules"], RULES):
        assert described["defaultConfiguration"] == {"level": rule.severity.value}
        assert described["shortDescription"]["text"] == rule.summary
        assert described["fullDescription"]["text"] == rule.help
        silenced = described["help"]["text"].endswith("add it to `[truss-lint].disable`.")
        assert silenced == (rule.name != "cannot-gather")


def test_nothing_found_is_still_a_run() -> None:
    # A CI system closes what it showed before only for a run without results.
    assert run()["results"] == run(LintedTruss("a:a", ()))["results"] == []


# --- The place.


@pytest.mark.parametrize(
    ("line", "column", "region"),
    [
        (None, None, None),
        (2, None, {"startLine": 2}),
        (2, 3, {"startLine": 2, "startColumn": 3}),
        # A column alone has no meaning, and SARIF does not have a line 0.
        (None, 3, None),
        (0, 0, None),
        (2, 0, {"startLine": 2}),
    ],
)
def test_the_region(line: Any, column: Any, region: Any) -> None:
    assert place(replace(FINDING, line=line, column=column)).get("region") == region


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("a/b.py", "a/b.py"),
        ("a b/c.py", "a%20b/c.py"),
        ("a#b?c.py", "a%23b%3Fc.py"),
        ("100%25.py", "100%2525.py"),
        ("file:x.py", "file%3Ax.py"),
        ("a\\b.py", "a%5Cb.py"),
        ("é\n.py", "%C3%A9%0A.py"),
    ],
)
def test_a_path_as_a_uri(path: str, uri: str) -> None:
    location = place(replace(FINDING, path=path))["artifactLocation"]
    assert location == {"uri": uri, "uriBaseId": "SRCROOT"}
    assert "SRCROOT" in run()["originalUriBaseIds"]


SEGMENTS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="/"), min_size=1)


@given(st.lists(SEGMENTS, min_size=1, max_size=4).map("/".join))
def test_a_uri_is_relative_and_leads_back_to_the_path(path: str) -> None:
    uri = place(replace(FINDING, path=path))["artifactLocation"]["uri"]
    split = urlsplit(uri)
    assert (split.scheme, split.netloc, split.query, split.fragment) == ("", "", "", "")
    assert unquote(split.path) == path


# --- The text.


def test_a_result() -> None:
    finding = replace(FINDING, severity=Severity.NOTE)
    found = result(finding)
    assert (found["ruleId"], found["level"]) == ("secret", "note")
    assert RULES[found["ruleIndex"]].name == "secret"
    assert found["message"] == {"text": finding.text}
    assert found["properties"] == {"trusses": ["a:a"]}


@pytest.mark.parametrize("message", ["\ud800", "a\udfff", '"\\', "\x00\x1b[31m", "\u2028", "😀\n"])
def test_a_message_of_any_characters(message: str) -> None:
    finding = replace(FINDING, message=message)
    content = to_sarif([LintedTruss("a:a", (finding,))])
    assert json.loads(content.decode("ascii"))["runs"][0]["results"][0]["message"] == {
        "text": finding.text
    }
    assert content.endswith(b"}\n")


# --- The identity of a finding.


def fingerprint(finding: Finding) -> str:
    ((name, value),) = result(finding)["partialFingerprints"].items()
    assert name == "finding/v2" and isinstance(value, str) and len(value) == 64
    return value


def test_a_finding_is_known_again_elsewhere_in_the_file() -> None:
    same = [
        FINDING,
        replace(FINDING, line=20, column=None),
        replace(FINDING, line=None, column=None),
        replace(FINDING, severity=Severity.NOTE),
    ]
    assert len({fingerprint(finding) for finding in same}) == 1


def test_others_are_distinguished() -> None:
    others = [
        FINDING,
        replace(FINDING, path="a/y.py"),
        replace(FINDING, message="another."),
        replace(FINDING, rule="injection"),
        # The same letters, divided in another way.
        Finding("secret", "a", "bc"),
        Finding("secret", "ab", "c"),
    ]
    assert len({fingerprint(finding) for finding in others}) == len(others)


def test_a_fingerprint_is_that_of_other_machines_and_days() -> None:
    finding = Finding("secret", "a/x.py", "a token.")
    # Another value would make all that a CI system knows new: then the name must change as well.
    assert fingerprint(finding) == EXPECTED


# printf 'secret\0a/x.py\0a token.' | sha256sum
EXPECTED = "f34b813991f9492a38878f23d714046f636e63ebf52136bb52faa99ff0306405"


# --- Several trusses.

FINDINGS = st.builds(
    Finding,
    st.sampled_from([rule.name for rule in RULES]),
    st.sampled_from(["a/x", "b/y z"]),
    st.sampled_from(["one.", "two."]),
    st.sampled_from(Severity),
    st.sampled_from([None, 1, 2]),
)
TRUSSES = st.lists(st.lists(FINDINGS, max_size=4, unique=True), max_size=4).map(
    lambda lists: [LintedTruss(f"t:{n}", tuple(each)) for n, each in enumerate(lists)]
)


@given(TRUSSES)
def test_each_finding_is_one_result_that_names_its_trusses(trusses: List[LintedTruss]) -> None:
    results = run(*trusses)["results"]
    distinct: Set[Finding] = {finding for truss in trusses for finding in truss.findings}
    assert len(results) == len(distinct)
    told = [(r["ruleId"], r["message"]["text"], r["properties"]["trusses"]) for r in results]
    expected = [
        (f.rule, f.text, [truss.name for truss in trusses if f in truss.findings]) for f in distinct
    ]
    assert sorted(told) == sorted(expected)
