from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core.dockerfile import DEFAULT_PATH, base_of, expand, parse, settings
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
def test_nothing_breaks_it(text: str) -> None:
    settings(parse(f"ENV A={text}"), {"a": "b"})
    expand(text, {"a": "b"})
