from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core.terminal import visible, visible_line, visible_output

texts = st.text(
    st.one_of(st.characters(), st.sampled_from("\x1b\x07\r\n\t\x9b\u202e\u2066\ud800:#[] va"))
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("src/é ü 日本.py", "src/é ü 日本.py"),
        ("a\nb", "a\nb"),
        ("\x1b[31mred\x1b]0;title\x07", "\\x1b[31mred\\x1b]0;title\\x07"),
        ("a\tb\rc\x7f\x9b1m\ud800", "a\\tb\\rc\\x7f\\x9b1m\\ud800"),
        ("a\u202etxt.exe\u2066\u2028", "a\\u202etxt.exe\\u2066\\u2028"),
        # Commands of GitHub, Azure and TeamCity.
        ("::error::x", "\\::error::x"),
        ("a\n \u3000::set-env name=A::b", "a\n \u3000\\::set-env name=A::b"),
        ("a ##[error]x", "a ##\\[error]x"),
        ("##vso[task.setvariable variable=A]b", "##vso\\[task.setvariable variable=A]b"),
        ("##teamcity[buildStop]", "##teamcity\\[buildStop]"),
        # None of these is a command.
        ("pants package ::", "pants package ::"),
        ("std::vector", "std::vector"),
        ("## [1.0]", "## [1.0]"),
    ],
)
def test_what_a_terminal_or_a_ci_obeys(text: str, expected: str) -> None:
    assert visible(text) == expected


def test_a_name_stays_in_one_line() -> None:
    assert visible_line("data/k\n::error::x\r\n.txt") == "data/k\\n::error::x\\r\\n.txt"


def test_output_of_tools() -> None:
    output = "\x1b[1;32mINFO\x1b[0m\tloaded\r\n 10%\r100%\x1b[2K\n::error::x\n"
    assert visible_output(output) == ["INFO    loaded", " 10%", "100%\\x1b[2K", "\\::error::x"]
    assert visible_output("") == []


@given(texts)
def test_no_control_character_is_left(text: str) -> None:
    shown = visible(text)
    kept = {char for char in shown if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")}
    assert kept <= {"\n"}
    assert shown.encode("utf-8").decode("utf-8") == shown
    # Texts are often parts of other texts, so they must not change again.
    assert visible(shown) == shown
    assert shown.count("\n") == text.count("\n")
    assert "\n" not in visible_line(text)
    assert not any(line.lstrip().startswith("::") for line in shown.split("\n"))
    assert "##[" not in shown and "##vso[" not in shown


@given(st.text(st.characters(blacklist_categories=("Cc", "Cs", "Cf", "Zl", "Zp"))))
def test_other_text_stays_as_it_is(text: str) -> None:
    plain = text.replace(":", "").replace("#", "")
    assert visible(plain) == visible_line(plain) == plain
