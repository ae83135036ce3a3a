"""Requirements files, read as pip reads them."""

from __future__ import annotations

import codecs
import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import List, Optional, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core.errors import TrussError
from pants_truss.core.requirement_files import (
    PipOption,
    absolute_place,
    decode,
    describe_missing_in_image,
    is_beside,
    is_read_by_uv,
    missing_in_image,
    parse_options,
    read_lines,
)


def texts(content: bytes) -> List[Tuple[int, str]]:
    return [(line.number, line.text) for line in read_lines(content)]


def test_which_files_are_read_together() -> None:
    assert is_beside("t/requirements.txt") == ("t/requirements.txt",)
    assert is_beside("uv.lock") == ("uv.lock", "pyproject.toml")
    assert is_beside("t/uv.lock") == ("t/uv.lock", "t/pyproject.toml")


@pytest.mark.parametrize(
    ("path", "by_uv"),
    [("t/uv.lock", True), ("pyproject.toml", True), ("my-uv.lock", False), ("a.txt", False)],
)
def test_uv_reads_two_files_by_their_names(path: str, by_uv: bool) -> None:
    assert is_read_by_uv(path) is by_uv
    assert not is_read_by_uv(None)


def test_lines_continue_and_comments_end() -> None:
    content = b"a==1 \\\r\n  --hash=sha256:00 \\\n --hash=sha256:11\n\n b  # why\nc#d\n-r x # y\n"
    assert texts(content) == [
        (1, "a==1   --hash=sha256:00  --hash=sha256:11"),
        (5, "b"),
        (6, "c#d"),
        (7, "-r x"),
    ]


def test_a_comment_ends_the_line_that_it_continues() -> None:
    assert texts(b"a \\\n# why\nb\\\n") == [(1, "a"), (3, "b")]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("é==1".encode(), "é==1"),
        (codecs.BOM_UTF8 + "é==1".encode(), "é==1"),
        ("é==1".encode("utf-16"), "é==1"),
        (codecs.BOM_UTF16_BE + "é==1".encode("utf-16-be"), "é==1"),
        ("é==1".encode("utf-32"), "é==1"),
        ("# -*- coding: latin-1 -*-\né==1".encode("latin-1"), "# -*- coding: latin-1 -*-\né==1"),
        (b"# coding: no-such\n\xc3\xa9", "# coding: no-such\né"),
        (b"\xe9==1", "\ufffd==1"),
    ],
)
def test_encodings(content: bytes, text: str) -> None:
    assert decode(content) == text


# The part of the reader of Pex's pip that needs no network.
_PIP = """
import sys
from pathlib import Path
sys.path[:0] = [str(path) for path in map(Path, sys.argv[2:])]
from pip._internal.req.req_file import preprocess
try:
    from pip._internal.utils.encoding import auto_decode
except ImportError:
    from pip._internal.req.req_file import _decode_req_file
    def auto_decode(content):
        return _decode_req_file(content, "reqs.txt")
for path in Path(sys.argv[1]).read_text().split():
    try:
        lines = list(preprocess(auto_decode(Path(path).read_bytes())))
    except TypeError:
        lines = list(preprocess(auto_decode(Path(path).read_bytes()), None))
    print([(number, line) for number, line in lines])
"""
_PARTS = (
    "a==1", "b", "\\", "\\\n", "\n", "\r\n", " ", "  #x", "#y", "\t", " --hash=sha256:0", "-r x",
    "\x0b", "\u2028", "# coding: latin-1\n", "é", "-i https://h/#f", "\\\\\n",
)  # fmt: skip
_ENCODINGS = ("utf-8", "utf-8-sig", "utf-16")


def pip_folder() -> Path:
    """The folder of the pip in Pex. Newer releases of Pants have no Pex of their own."""
    spec = importlib.util.find_spec("pex")
    found = Path(spec.origin).parent if spec and spec.origin else Path("pex")
    return found / "vendor" / "_vendored" / "pip"


def random_files() -> List[bytes]:
    found: List[bytes] = []

    @given(st.lists(st.sampled_from(_PARTS), max_size=9), st.sampled_from(_ENCODINGS))
    def add(parts: List[str], encoding: str) -> None:
        found.append("".join(parts).encode(encoding))

    add()
    return [content for content in found if b"latin-1" not in content or b"\xff\xfe" in content]


@pytest.mark.skipif(not pip_folder().exists(), reason="Pants brings no Pex with a pip")
def test_lines_are_those_of_pip(tmp_path: Path) -> None:
    """On random files."""
    files = random_files()
    for index, content in enumerate(files):
        (tmp_path / f"{index}").write_bytes(content)
    names = tmp_path / "names"
    names.write_text("\n".join(str(tmp_path / f"{index}") for index in range(len(files))))
    command = [sys.executable, "-c", _PIP, str(names), str(pip_folder())]
    process = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert process.returncode == 0, process.stderr
    theirs = process.stdout.splitlines()
    assert [repr(texts(content)) for content in files] == theirs


# --- Options.


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("-i https://h/simple", [("--index-url", "https://h/simple")]),
        ("-ihttps://h/simple", [("--index-url", "https://h/simple")]),
        ("--pypi-url=https://h", [("--index-url", "https://h")]),
        ("--extra-index https://h", [("--extra-index-url", "https://h")]),
        ("--extra-index-url='https://h'", [("--extra-index-url", "https://h")]),
        ("-f wheels --no-index", [("--find-links", "wheels"), ("--no-index", None)]),
        ("-r 'a b.txt'", [("--requirement", "a b.txt")]),
        ("-c c.txt", [("--constraint", "c.txt")]),
        ("--pre", [("--pre", None)]),
        ("--only-binary=:all:", [("--only-binary", ":all:")]),
    ],
)
def test_options(text: str, options: List[Tuple[str, Optional[str]]]) -> None:
    assert list(parse_options(text)) == [PipOption(name, value) for name, value in options]


@pytest.mark.parametrize(
    "text", ["--nonsense", "-i", "--pre=1", "--no-index rich", "-r 'a", "--help"]
)
def test_options_that_pip_refuses(text: str) -> None:
    with pytest.raises(TrussError, match="not an option that a requirements file can have"):
        parse_options(text)


# --- Files that an image does not have.


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("-r base.txt", "base.txt"),
        ("-rbase.txt", "base.txt"),
        ("--requirement=../base.txt", "../base.txt"),
        ("-c bounds.txt", "bounds.txt"),
        ("-e .", "."),
        ("-e ./kit[x]", "./kit[x]"),
        ("-f wheels", "wheels"),
        ("./wheels/kit-1.0-py3-none-any.whl", "./wheels/kit-1.0-py3-none-any.whl"),
        ("../kit", "../kit"),
        ("wheels/kit-1.0-py3-none-any.whl", "wheels/kit-1.0-py3-none-any.whl"),
        ("kit-1.0.tar.gz", "kit-1.0.tar.gz"),
        ("kit @ ./kit.whl", "./kit.whl"),
        ("kit @ file:kit.whl", "file:kit.whl"),
        ("-r https://host/base.txt", None),
        ("-r /opt/base.txt", None),
        ("-e git+https://host/kit.git#egg=kit", None),
        ("-f https://host/wheels", None),
        ("-f /opt/wheels", None),
        ("-i https://host/simple", None),
        ("kit @ file:///opt/kit.whl", None),
        ("kit @ https://host/kit.whl", None),
        ("https://host/kit-1.0-py3-none-any.whl", None),
        ("/opt/kit.whl", None),
        ("${WHEELS}/kit.whl", None),
        ("kit==1.0 --hash=sha256:00", None),
        ("kit; sys_platform == 'linux'", None),
        ("--nonsense", None),
    ],
)
def test_what_a_line_reads_from_the_folder_of_the_truss(text: str, place: Optional[str]) -> None:
    assert missing_in_image(text) == place


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (
            "numpy @ file:///home/conda/feedstock_root/work",
            "file:///home/conda/feedstock_root/work",
        ),
        ("/opt/kit.whl", "/opt/kit.whl"),
        ("file:///opt/kit", "file:///opt/kit"),
        ("-e /opt/kit", "/opt/kit"),
        ("-r /opt/base.txt", None),
        ("--find-links /wheels", None),
        ("--find-links https://host/wheels", None),
        ("./kit.whl", None),
        ("kit @ https://host/kit.whl", None),
        ("${WHEELS}/kit.whl", None),
        ("kit==1.0", None),
    ],
)
def test_an_absolute_path_that_a_line_reads(text: str, place: Optional[str]) -> None:
    assert absolute_place(text) == place


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("-r base.txt", "Write the lines of base.txt into t/reqs.txt."),
        ("./kit.whl", "Publish it to an index, or name its URL."),
        ("-f wheels", "Publish the distributions to an index, or name a URL."),
        ("-e .", "Depend on its sources, which are bundled, or publish it to an index."),
    ],
)
def test_the_advice_is_about_the_kind_of_line(text: str, advice: str) -> None:
    place = missing_in_image(text)
    assert place
    described = describe_missing_in_image(text, place, "t/reqs.txt")
    assert described == (
        f"{text!r} reads {place!r}, which is not in the image: an image build has no other file of "
        f"the truss when it installs, so it fails. {advice}"
    )
