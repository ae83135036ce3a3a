"""Tests which findings a target, or a comment in a config, silences."""

from __future__ import annotations

from typing import List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core.lint.finding import RULES, Finding
from pants_truss.core.lint.silence import (
    Silence,
    read_silence,
    why_not_silent,
)

PATH = "t/config.yaml"
CONFIG = """\
model_name: a
# pants-truss: ignore[deprecated]

# Why we keep it.
model_cache: []
python_version: py39  # pants-truss: ignore[deprecated, no-effect]
hf_cache: []
text: "# pants-truss"
"""


def finding(rule: str, line: int = 0, path: str = PATH) -> Finding:
    return Finding(rule, path, "m", line=line or None)


def lines(content: str) -> List[Tuple[int, str]]:
    return list(read_silence(PATH, content.encode(), ()).lines)


def test_comments_in_a_config() -> None:
    assert lines(CONFIG) == [(5, "deprecated"), (6, "deprecated"), (6, "no-effect")]
    silence = read_silence(PATH, CONFIG.encode(), ())
    silent = [finding("deprecated", 5), finding("deprecated", 6), finding("no-effect", 6)]
    left = [
        finding("deprecated", 7),
        finding("no-effect", 5),
        finding("deprecated", 5, "t/other.yaml"),
        finding("deprecated"),
    ]
    assert silence.keep([*silent, *left]) == left


def test_rules_of_a_target() -> None:
    silence = Silence(("secret",))
    left = [finding("deprecated")]
    assert silence.keep([finding("secret", 1, "t/x.txt"), *left]) == left


@pytest.mark.parametrize(
    "silence", [Silence(("cannot-gather",)), Silence((), PATH, ((1, "cannot-gather"),))]
)
def test_what_stops_gathering_cannot_be_silenced(silence: Silence) -> None:
    assert silence.keep([finding("cannot-gather", 1)]) == [finding("cannot-gather", 1)]


@pytest.mark.parametrize(
    ("line", "rules"),
    [
        ("a: 1 # pants-truss: ignore[secret]", ["secret"]),
        ("a: 1 #pants-truss:ignore[secret]", ["secret"]),
        ("a: 1 # TODO # pants-truss: ignore[secret]", ["secret"]),
        ("a: 1 # pants-truss: ignore[ secret ,secret ]  # ours", ["secret"]),
        ("a: 1 # pants-truss: ignore[]", [""]),
        # No comments.
        ("a: 1# pants-truss: ignore[secret]", []),
        ("a: 1 # pants-truss: ignore secret", []),
        ("a: 1 # pants-truss: ignore[secret", []),
        ("a: 1 # truss: ignore[secret]", []),
    ],
)
def test_spellings_of_a_comment(line: str, rules: List[str]) -> None:
    assert lines(line) == [(1, rule) for rule in rules]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x85", "\u2028", "\u2029"])
def test_lines_are_counted_as_in_yaml(end: str) -> None:
    comment = "# pants-truss: ignore[secret]"
    assert lines(end.join(["a: 1\x0b\x0c\x1c", f"b: 2 {comment}", comment, "", "c: 3"])) == [
        (2, "secret"),
        (5, "secret"),
    ]


def test_a_comment_that_names_no_rule() -> None:
    config = b"a: 1  # pants-truss: ignore[secrets]\nb: 1  # pants-truss: ignore[cannot-gather]\n"
    found = list(read_silence(PATH, config, ()).check_comments())
    assert [(each.rule, each.line) for each in found] == [("no-effect", 1), ("no-effect", 2)]
    assert found[0].message.startswith(
        "`# pants-truss: ignore[secrets]` has no effect: 'secrets' is not a rule. Rules: "
    )
    assert "cannot-gather cannot be silenced. Rules that can: " in found[1].message
    assert list(read_silence(PATH, CONFIG.encode(), ()).check_comments()) == []


def test_rules_that_can_be_silenced() -> None:
    for rule in RULES:
        assert bool(why_not_silent(rule.name)) != rule.can_be_silenced


@given(st.binary(max_size=200))
def test_any_bytes(content: bytes) -> None:
    assert isinstance(lines(content.decode("utf-8", "replace")), list)
