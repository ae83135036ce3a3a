from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from typing import Dict, List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core.lint.finding import Finding, Severity
from pants_truss.core.lint.report import LintedTruss, render
from pants_truss.core.lint.sarif import to_sarif

SHARED = Finding("secret", "shared/é x.py", "a token.", line=2, column=3)
A = LintedTruss(
    "a:a",
    (Finding("config-schema", "a/config.yaml", "bad.", line=1), SHARED),
)
B = LintedTruss(
    "b:b",
    (Finding("large-file", "b/x", "large.", Severity.WARNING), SHARED),
)
CLEAN = LintedTruss("c:c", ())

HOW = "To silence a rule, add it to `[truss-lint].disable`."


def test_findings_by_truss_with_a_summary() -> None:
    assert render([A, B, CLEAN]) == (
        "a:a\n"
        "  a/config.yaml:1: error: bad. [config-schema]\n"
        "  shared/é x.py:2: error: a token. [secret]\n"
        "\n"
        "b:b\n"
        "  b/x: warning: large. [large-file]\n"
        "  and 1 error, reported above, in shared files\n"
        "\n"
        f"2 errors and 1 warning in 2 of 3 trusses. {HOW}\n"
    )
    assert render([CLEAN]) == "Nothing found in 1 truss.\n"


def test_colours() -> None:
    text = render([B], lambda text, colour: f"<{colour}>{text}</>")
    assert "<yellow>warning</>: large." in text and "<blue>b:b</>" in text
    assert text.endswith(f"<red>1 error</> and <yellow>1 warning</> in 1 of 1 truss. {HOW}\n")


def test_sarif() -> None:
    (run,) = json.loads(to_sarif([A, B, CLEAN]))["runs"]
    results = run["results"]
    assert [result["ruleId"] for result in results] == ["config-schema", "secret", "large-file"]
    assert [result["level"] for result in results] == ["error", "error", "warning"]
    assert results[1]["properties"] == {"trusses": ["a:a", "b:b"]}
    assert results[1]["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "shared/%C3%A9%20x.py", "uriBaseId": "SRCROOT"},
        "region": {"startLine": 2, "startColumn": 3},
    }
    rules = run["tool"]["driver"]["rules"]
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in results)
    prints = {result["partialFingerprints"]["finding/v2"] for result in results}
    assert len(prints) == 3


def findings_of(*severities: Severity) -> Tuple[Finding, ...]:
    return tuple(Finding("secret", f"f{n}", "m.", level) for n, level in enumerate(severities))


E, W, N = Severity.ERROR, Severity.WARNING, Severity.NOTE


@pytest.mark.parametrize(
    ("severities", "count"),
    [
        ([N], "1 note"),
        ([W, W], "2 warnings"),
        ([N, E], "1 error and 1 note"),
        ([N, W, E, N, E], "2 errors, 1 warning and 2 notes"),
    ],
)
def test_counts(severities: List[Severity], count: str) -> None:
    truss = LintedTruss("a:a", findings_of(*severities))
    assert render([truss]).endswith(f"\n\n{count} in 1 of 1 truss. {HOW}\n")
    text = render([truss, replace(truss, name="b:b")])
    assert f"b:b\n  and {count}, reported above, in shared files\n" in text
    assert text.endswith(f"\n\n{count} in 2 of 2 trusses. {HOW}\n")


def test_nothing_found() -> None:
    assert render([]) == "Nothing found in 0 trusses.\n"
    assert render([CLEAN, CLEAN]) == "Nothing found in 2 trusses.\n"


def test_only_errors_are_errors() -> None:
    assert LintedTruss("a", findings_of(W, N, E)).has_errors
    assert not LintedTruss("a", findings_of(W, N)).has_errors
    assert not CLEAN.has_errors


def test_each_severity_has_its_colour() -> None:
    text = render(
        [LintedTruss("a", findings_of(E, W, N))], lambda text, colour: f"{colour}({text})"
    )
    for colour in ("red(error)", "yellow(warning)", "cyan(note)"):
        assert f": {colour}: m." in text
    assert "\n\nred(1 error), yellow(1 warning) and cyan(1 note) in 1 of 1" in text


FINDINGS = st.builds(
    Finding,
    st.sampled_from(["secret", "collision"]),
    st.sampled_from(["a/x.py", "b", "é%20 y"]),
    st.sampled_from(["one.", "two.", "\ud800."]),
    st.sampled_from(Severity),
    st.sampled_from([None, 1, 2]),
    st.sampled_from([None, 3]),
)
TRUSSES = st.lists(st.lists(FINDINGS, max_size=4, unique=True), max_size=4).map(
    lambda all_: [LintedTruss(f"t{n}:t", tuple(found)) for n, found in enumerate(all_)]
)


@given(TRUSSES)
def test_each_finding_is_one_line_below_the_first_truss_that_has_it(
    trusses: List[LintedTruss],
) -> None:
    text = render(trusses)
    expected: Dict[Finding, str] = {}
    for truss in trusses:
        for finding in truss.findings:
            expected.setdefault(finding, truss.name)
    told: List[Tuple[str, str]] = []
    name = ""
    for line in text.splitlines():
        if re.fullmatch("t[0-9]:t", line):
            name = line
        elif line.startswith("  ") and not line.endswith(", reported above, in shared files"):
            told.append((name, line))
    assert Counter(told) == Counter(
        (name, f"  {found.place}: {found.severity.value}: {found.text}")
        for found, name in expected.items()
    )
    # Whoever shares one is named too.
    named = [line for line in text.splitlines() if re.fullmatch("t[0-9]:t", line)]
    assert named == [truss.name for truss in trusses if truss.findings]


@given(TRUSSES)
def test_colours_change_no_text(trusses: List[LintedTruss]) -> None:
    text = render(trusses, lambda text, colour: f"\x1b[{colour}m{text}\x1b[0m")
    assert re.sub("\x1b\\[[a-z0-9]+m", "", text) == render(trusses)


def test_names_are_shown_as_no_terminal_obeys_them() -> None:
    finding = Finding("secret", "\x1b]0;x\x07/a\n##[error]b", "a token.", line=1)
    text = render([LintedTruss("t\x1b:t", (finding,))])
    assert text.startswith("t\\x1b:t\n  \\x1b]0;x\\x07/a\\n##\\[error]b:1: error: a token. [")
