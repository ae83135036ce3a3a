from __future__ import annotations

from typing import List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core.lint.finding import Severity
from pants_truss.core.lint.requirement_lines import contradictions, refusal


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
        "torch==2.x",
        "torch>=2.0.*",
        "torch==latest",
        "torch==1.0-cu118",
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
        ("torch==2.0 --no-binary x", "the option --no-binary"),
        ('torch==2.0 --config-settings "a=b"', "the option --config-settings"),
        ("torch==2.0;", "is not a requirement"),
        ("torch==2.0 -f https://x.y/z", "the option -f"),
        ("git+https://x.y/z.git --no-build-isolation", "the option --no-build-isolation"),
        ("https://x.y/z-1.0.tar.gz --no-deps", "the option --no-deps"),
        ("--index-url https://x.y/simple numpy", "'numpy' follows it"),
        ("-e git+https://a/b.git#egg=x", "Write 'git+https://a/b.git#egg=x'"),
        ("--editable=git+https://a/b.git", "only a folder can be editable"),
        ("git+git://a/b.git", "git+https://"),
        ("hg+https://a/b", "git+https://"),
        ("x @ svn+https://a/b", "git+https://"),
        ("ssh://git@a/b.git", "git+https://"),
        ("x @ https://github.com/a/b", "does not end like a wheel"),
        ("https://x.y/dl?file=main.zip", "does not end like a wheel"),
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
        "torch @ git+https://a/b.git@v1#subdirectory=a",
        "./x",
        "x/y",
        "a.b/c.zip",
        "wheel-1.0.whl",
        "file:b.whl",
        "torch==${VERSION}",
        "${PACKAGE}==2",
        "--pre",
        "--trusted-host x",
        "-e .",
        "-i https://x.y/simple # why",
        "https://x.y/main.zip#sha256=aa",
        "x @ https://x.y/main.zip?raw=true",
        "https://x.y/main.tar.xz",
        "git+ssh://git@a/b.git",
        "git+file:///a",
        'foo @ https://x.y/z-1.0-py3-none-any.whl; python_version > "3.8"',
        'numpy>1.0; "x" in extras',
        "--extra-index-url https://x.y/simple",
    ],
)
def test_what_an_image_may_take(text: str) -> None:
    assert refusal(text) is None


def test_a_password_is_not_shown() -> None:
    found = refusal("torch = https://user:hunter2@x.y/z")
    assert found and "hunter2" not in found[0]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["numpy==1.26.4", "torch", "NumPy==1.25.0"], [2]),
        (["numpy==1.26", "numpy==1.26.0"], []),
        (["numpy==1.26.4", "numpy>=1.25"], []),
        (["numpy==1.26.*", "numpy==1.25.*"], []),
        (["x==1; python_version < '3.9'", "x==2; python_version >= '3.9'"], []),
        (["numpy==1.26.4", "numpy==1.26.4+cpu"], []),
        (["numpy==1.26.4+cpu", "numpy==1.26.4"], []),
        (["numpy==1.26.4", "numpy==1.26.5+cpu"], [1]),
        (["x==a", "x==b", "x = 1", "# x==3", "-r x"], []),
    ],
)
def test_pins_that_contradict_each_other(lines: List[str], expected: List[int]) -> None:
    found = [*contradictions(lines)]
    assert [index for index, _ in found] == expected
    assert all("contradicts 'numpy==1.26.4'" in why for _, why in found)


@given(st.text(max_size=40))
def test_any_text_has_an_answer(text: str) -> None:
    refusal(text)
    list(contradictions([text, text]))
