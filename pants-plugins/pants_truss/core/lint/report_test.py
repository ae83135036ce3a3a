from __future__ import annotations

import json

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


def test_findings_by_truss_with_a_summary() -> None:
    silence = "`[truss-lint].disable` silences it]"
    assert render([A, B, CLEAN]) == (
        "a:a\n"
        f"  a/config.yaml:1: error: bad. [config-schema; {silence}\n"
        f"  shared/é x.py:2: error: a token. [secret; {silence}\n"
        "\n"
        "b:b\n"
        f"  b/x: warning: large. [large-file; {silence}\n"
        "  and 1 error, told above, in files that it shares\n"
        "\n"
        "2 errors and 1 warning in 2 of 3 trusses.\n"
    )
    assert render([CLEAN]) == "Nothing found in 1 truss.\n"


def test_colours() -> None:
    text = render([B], lambda text, colour: f"<{colour}>{text}</>")
    assert "<yellow>warning</>: large." in text and "<blue>b:b</>" in text
    assert text.endswith("<red>1 error</> and <yellow>1 warning</> in 1 of 1 truss.\n")


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
    prints = {result["partialFingerprints"]["finding/v1"] for result in results}
    assert len(prints) == 3
