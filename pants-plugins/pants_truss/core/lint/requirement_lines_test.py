from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core.lint.finding import Severity
from pants_truss.core.lint.requirement_lines import refusal


@pytest.mark.parametrize(
    "text",
    [
        "torch = 2.0",
        "torch=2.0",
        "torch 2.0",
        "torch=>2.0",
        "torch>=2,",
        "torch~=2",
        "torch>= 2.0 < 3",
        "torch>=2.0;python_version>3.8",
        "torch[cpu",
        "torch@2.0",
        "pip install torch",
        "numpy>=1.17,<2.0 scipy",
        '"torch"',
        "torch*",
        "--upgrade torch",
        "--foo",
        "-r",
    ],
)
def test_what_uv_and_pip_refuse(text: str) -> None:
    """Tried with uv 0.10.0 and pip 23.2 to 25."""
    found = refusal(text)
    assert found and found[1] is Severity.ERROR
    assert repr(text) in found[0]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("torch==2.x", "'==2.x' does not follow PEP 440"),
        ("torch>=2.0.*", "'>=2.0.*' does not follow PEP 440"),
        ("torch==latest", "does not follow PEP 440"),
        ("torch==1.0-cu118", "does not follow PEP 440"),
        ("torch==2.0 --no-binary x", "the option --no-binary"),
        ('torch==2.0 --config-settings "a=b"', "the option --config-settings"),
        ("torch==2.0;", "is not a requirement"),
    ],
)
def test_what_only_uv_refuses(text: str, why: str) -> None:
    found = refusal(text)
    assert found and found[1] is Severity.WARNING
    assert why in found[0]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "torch",
        "torch (>=2.0)",
        "torch==2.0.*",
        "torch<2019b",
        "torch<3dev",
        "torch==v2.0",
        "torch>=1!2.0",
        "torch==1.0.post1.dev0+cu118",
        'torch; extra == "x"',
        "torch # --foo",
        "torch==2.0 --hash=sha256:aa --hash=sha256:bb",
        "torch@https://x.y/z-1.0-py3-none-any.whl",
        "git+https://a/b.git@v1#egg=x",
        "torch @ git+https://a/b.git@v1#subdirectory=a --b",
        "./x",
        "x/y",
        "a.b/c.zip",
        "wheel-1.0.whl",
        "file:b.whl",
        "torch==${VERSION}",
        "${PACKAGE}==2",
        "--pre",
        "--trusted-host x",
        "-e git+https://a/b.git#egg=x",
        "--extra-index-url https://x.y/simple",
    ],
)
def test_what_an_image_may_take(text: str) -> None:
    assert refusal(text) is None


def test_a_password_is_not_shown() -> None:
    found = refusal("torch = https://user:hunter2@x.y/z")
    assert found and "hunter2" not in found[0]


@given(st.text(max_size=40))
def test_any_text_has_an_answer(text: str) -> None:
    refusal(text)
