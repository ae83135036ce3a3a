from __future__ import annotations

import re
from typing import Dict, List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core.dockerfile import (
    DEFAULT_PATH,
    ImageSettings,
    Instruction,
    base_of,
    expand,
    parse,
    settings,
)
from pants_truss.core.errors import TrussError

TEXT = """\
ARG PYVERSION=py311
# A comment
FROM python:3.11 AS truss_server

ENV PYTHON_EXECUTABLE="python3"
user root
ENV HOME=${HOME:-/root}
ENV APP_HOME=/app
RUN python -c "import sys; \\
    sys.exit(0)" \\
    || exit 1
ENV PATH=${PATH}:${HOME}/.local/bin
WORKDIR $APP_HOME
ENV SERVER_START_CMD="python3 /app/main.py"
ENTRYPOINT ["python3", "/app/main.py"]"""


def test_settings() -> None:
    found = settings(parse(TEXT), {"PATH": "/bin", "LANG": "C"})
    assert dict(found.environment) == {
        "PATH": "/bin:/root/.local/bin",
        "LANG": "C",
        "PYTHON_EXECUTABLE": "python3",
        "HOME": "/root",
        "APP_HOME": "/app",
        "SERVER_START_CMD": "python3 /app/main.py",
    }
    assert (found.working_dir, found.user) == ("/app", "root")
    assert found.entrypoint == ("python3", "/app/main.py")
    assert found.cmd == ()


def test_a_base_without_a_path() -> None:
    assert settings(parse("FROM x\nENV PATH=$PATH:/y"), {}).environment == {
        "PATH": f"{DEFAULT_PATH}:/y"
    }


def test_a_value_of_the_base_comes_before_a_default() -> None:
    found = settings(parse(TEXT), {"HOME": "/home/app"})
    assert found.environment["HOME"] == "/home/app"
    assert found.environment["PATH"].endswith(":/home/app/.local/bin")


def test_variables_of_one_line_do_not_see_each_other() -> None:
    found = settings(parse("ENV A=1 B=$A"), {"A": "0"})
    assert (found.environment["A"], found.environment["B"]) == ("1", "0")


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ('A="two words"', "two words"),
        ("A='$B \"x\"'", '$B "x"'),
        ('A="a\\"b"', 'a"b'),
        ('A="a\\nb"', "a\\nb"),
        ("A=a\\ b", "a b"),
        ("A=", ""),
        ('A=""', ""),
        ("A two words", "two words"),
        ('A="$B"c', "bc"),
        ('A="\\$B"', "$B"),
    ],
)
def test_values(line: str, value: str) -> None:
    assert settings(parse(f"ENV {line}"), {"B": "b"}).environment["A"] == value


def test_a_command_for_a_shell() -> None:
    found = settings(parse('ENTRYPOINT serve me\nCMD ["a", "b"]'), {})
    assert found.entrypoint == ("/bin/sh", "-c", "serve me")
    assert found.cmd == ("a", "b")


def test_the_base() -> None:
    assert base_of(parse(TEXT)) == "python:3.11"
    with pytest.raises(TrussError, match="2 FROM lines"):
        base_of(parse("FROM a\nFROM b"))


@given(st.text(alphabet="ab_{}$:-\"'\\ =", max_size=30))
def test_any_text_is_parsed(text: str) -> None:
    settings(parse(f"ENV A={text}"), {"a": "b"})
    expand(text, {"a": "b"})


def test_instructions_are_joined_and_in_capitals() -> None:
    text = "from a\n\n  # no\nRun x \\\n  # in between\n\n  && y \\  \n  && z  \nUSER\n"
    assert parse(text) == (
        Instruction("FROM", "a"),
        Instruction("RUN", "x   && y   && z"),
        Instruction("USER", ""),
    )
    assert parse("") == parse("# only\n\n") == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("$A-$A_B", "a-ab"),
        ("${A}_B", "a_B"),
        ("$AB", ""),
        ("${NONE:-x y}", "x y"),
        ("${EMPTY:-x}", "x"),
        ("${A:-x}", "a"),
        ("${NONE:-}", ""),
        ("${NONE}$NONE.", "."),
        ("$A$A", "aa"),
        ("$", "$"),
        ("$-", "$-"),
        ("${}", "${}"),
        ("${A", "${A"),
        # Variables inside a value are not expanded again.
        ("$LOOP", "$A ${LOOP}"),
    ],
)
def test_variables(text: str, expected: str) -> None:
    environment = {"A": "a", "A_B": "ab", "EMPTY": "", "LOOP": "$A ${LOOP}"}
    assert expand(text, environment) == expected


@pytest.mark.parametrize(
    ("line", "added"),
    [
        ("A=1 B=\"2 3\" C='4 5'", {"A": "1", "B": "2 3", "C": "4 5"}),
        ("A=1\tB=2", {"A": "1", "B": "2"}),
        ("A=1 \\\n    B=2 \\\n    # why\n    C=3", {"A": "1", "B": "2", "C": "3"}),
        ("A=x=y", {"A": "x=y"}),
        ("A=a'b'\"c\"d", {"A": "abcd"}),
        ("A=\"\" B='' C=", {"A": "", "B": "", "C": ""}),
        ("A='a\\' B=b", {"A": "a\\", "B": "b"}),
        ("A=\"'\" B='\"'", {"A": "'", "B": '"'}),
        ("A=\\$X B='$X' C=\"\\$X\" D=$X", {"A": "$X", "B": "$X", "C": "$X", "D": "x y"}),
        ('A="${X}" B=${NONE:-d}', {"A": "x y", "B": "d"}),
        ("A $X B=2", {"A": "x y B=2"}),
        ("my.name-1=v", {"my.name-1": "v"}),
    ],
)
def test_pairs(line: str, added: Dict[str, str]) -> None:
    found = settings(parse(f"ENV {line}"), {"PATH": "p", "X": "x y"})
    assert found.environment == {"PATH": "p", "X": "x y", **added}


def test_the_last_instruction_of_a_kind_counts() -> None:
    text = 'ENV A=1\nWORKDIR /$A\nUSER a\nCMD ["x"]\nENV A=2\nWORKDIR /$A\nUSER $A:$A\nCMD y'
    found = settings(parse(text), {})
    assert (found.environment["A"], found.working_dir, found.user) == ("2", "/2", "2:2")
    assert found.cmd == ("/bin/sh", "-c", "y")


def test_an_earlier_line_does_not_see_a_later_one() -> None:
    found = settings(parse("ENV A=$B\nENV B=2\nENV C=$B\n"), {})
    assert (found.environment["A"], found.environment["C"]) == ("", "2")


def test_settings_without_an_instruction_are_empty() -> None:
    assert settings(parse("FROM a\nRUN b\nCOPY c d"), {}) == ImageSettings(
        {"PATH": DEFAULT_PATH}, "", "", (), ()
    )


def test_the_environment_of_the_base_is_not_changed() -> None:
    base = {"A": "0"}
    settings(parse("ENV A=1 B=2"), base)
    assert base == {"A": "0"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has 0 FROM lines. Write exactly one"),
        ("RUN echo FROM x\n# FROM y", "has 0 FROM lines"),
        ("FROM a AS b\nRUN c\nfrom b", "has 2 FROM lines"),
    ],
)
def test_a_dockerfile_needs_exactly_one_base(text: str, message: str) -> None:
    with pytest.raises(TrussError, match=message):
        base_of(parse(text))


# Characters that do not end a line.
values = st.text(st.characters(min_codepoint=32, max_codepoint=126) | st.sampled_from("é\t$\"'\\"))


@given(st.dictionaries(st.text("AB_", min_size=1), values, max_size=3), st.data())
def test_a_quoted_value_is_what_was_quoted(
    environment: Dict[str, str], data: st.DataObject
) -> None:
    words = []
    for name, value in environment.items():
        quoted = re.sub(r'(["\\$])', r"\\\1", value)
        forms = [f'"{quoted}"', re.sub(r"([^A-Za-z0-9])", r"\\\1", value)]
        forms += [f"'{value}'"] if "'" not in value else []
        form = data.draw(st.sampled_from(forms))
        # A backslash at the end of the line would continue it.
        words.append(f'{name}="{quoted}"' if form.rstrip().endswith("\\") else f"{name}={form}")
    found = settings(parse(f"ENV {' '.join(words)}\n" if words else ""), {"PATH": "p"})
    assert found.environment == {"PATH": "p", **environment}


@given(
    st.lists(st.lists(st.sampled_from(["RUN", "a", "b=c", '"', "#x"]), min_size=1), max_size=4),
    st.data(),
)
def test_continued_lines_do_not_matter(lines: List[List[str]], data: st.DataObject) -> None:
    gaps = st.sampled_from([" ", " \\\n", " \\ \n", " \\\n# why\n", " \\\n\n"])
    between = st.sampled_from(["\n", "\n\n", "\n  # why\n", "\r\n"])
    text = ""
    for words in lines:
        text += "KEY"
        for word in words:
            gap = data.draw(gaps)
            # A continued line that begins with `#` is a comment.
            text += (" " if word.startswith("#") else gap) + word
        text += data.draw(between)
    assert parse(text) == tuple(Instruction("KEY", " ".join(words)) for words in lines)


@pytest.mark.parametrize(
    "line, words",
    [
        ('CMD ["a", "b c"]', ("a", "b c")),
        ("CMD true", ("/bin/sh", "-c", "true")),
        ("CMD 5", ("/bin/sh", "-c", "5")),
        ('CMD "serve"', ("/bin/sh", "-c", '"serve"')),
        ("CMD [1]", ("/bin/sh", "-c", "[1]")),
        ("CMD " + "[" * 100_000, ("/bin/sh", "-c", "[" * 100_000)),
        ("CMD serve \\", ("/bin/sh", "-c", "serve")),
    ],
)
def test_commands(line: str, words: object) -> None:
    assert settings(parse(f"FROM x\n{line}"), {}).cmd == words


def test_values_with_other_line_breaks_and_quotes() -> None:
    found = settings(parse('FROM x\r\nENV A="1\u2028 \x0b2"\r\nENV B "two  words"\n'), {})
    assert found.environment["A"] == "1\u2028 \x0b2"
    assert found.environment["B"] == "two  words"


def test_the_base_of_a_platform() -> None:
    assert base_of(parse("FROM --platform=linux/amd64 x:1 AS base")) == "x:1"
    with pytest.raises(TrussError, match="names no image"):
        base_of(parse("FROM --platform=linux/amd64"))
