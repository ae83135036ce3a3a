from __future__ import annotations

import re
from typing import List

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pants_truss.core.glob_automaton import FOLDERS, STAR, GlobAutomaton


@pytest.mark.parametrize(
    ("pieces", "needs_slash", "matched", "others"),
    [
        (["a"], False, ["a", "a/b"], ["", "b", "ab", "b/a"]),
        (["a"], True, ["a/", "a/b"], ["a", "ab/"]),
        (["a", STAR, "b", STAR], False, ["ab", "axbx", "ab/c"], ["a/b", "a"]),
        ([STAR, "b"], False, ["b", "ab", "bb"], ["ba", "a/b"]),
        ([FOLDERS, "a"], False, ["a", "x/a", "x/y/a/z"], ["xa", "x/ya"]),
        (["a", "/", FOLDERS, "b"], False, ["a/b", "a/x/b", "a/x/y/b"], ["ab", "a/xb", "a"]),
        (["[^a]", "b"], False, ["/b", "\nb"], ["ab", "b"]),
        ([], False, ["", "/a"], ["a"]),
    ],
)
def test_matches(
    pieces: List[str], needs_slash: bool, matched: List[str], others: List[str]
) -> None:
    automaton = GlobAutomaton(pieces, needs_slash=needs_slash)
    assert [path for path in [*matched, *others] if automaton.matches(path)] == matched


def expression_of(pieces: List[str], needs_slash: bool) -> str:
    joined = "".join("(?:[^/]*/)*" if piece == FOLDERS else piece for piece in pieces)
    return joined + ("/" if needs_slash else r"(?:/|\Z)")


parts = st.lists(st.sampled_from([STAR, STAR, "a", "b", "[^a]", "[^/]"]), min_size=1, max_size=5)


@given(
    st.lists(st.one_of(st.just([FOLDERS]), parts), min_size=1, max_size=4),
    st.booleans(),
    st.lists(st.text("ab", min_size=1, max_size=4), min_size=1, max_size=5).map("/".join),
)
@settings(max_examples=1000)
def test_agrees_with_a_regular_expression(
    segments: List[List[str]], needs_slash: bool, path: str
) -> None:
    pieces: List[str] = []
    for segment in segments:
        if segment != [FOLDERS] or pieces[-1:] != [FOLDERS]:
            pieces += ["/"] if pieces and pieces[-1] != FOLDERS else []
            pieces += segment
    if pieces[-1] == FOLDERS:
        pieces.append("a")
    expected = bool(re.match(expression_of(pieces, needs_slash), path))
    assert GlobAutomaton(pieces, needs_slash=needs_slash).matches(path) == expected
