from __future__ import annotations

import pytest

from pants_truss.core.errors import TrussError
from pants_truss.core.gitignore import IgnorePatterns
from pants_truss.core.truss_ignore import DEFAULT_IGNORE, file_content, ignore_lines


def ignore(user_file: bytes = b"") -> IgnorePatterns:
    return IgnorePatterns(ignore_lines(DEFAULT_IGNORE, user_file))


@pytest.mark.parametrize(
    "path",
    [
        "lib/a.py",
        "packages/build/b.py",
        "dist/x",
        "env/run.py",
        "x.so",
        "a.log",
        "p.spec",
        ".env",
        "data/var/x",
        "target/t",
    ],
)
def test_code_that_truss_would_drop_stays(path: str) -> None:
    assert not ignore().is_ignored(path)


@pytest.mark.parametrize(
    "path",
    [
        "a/__pycache__/x.pyc",
        "x.pyc",
        ".git/config",
        "packages/sub/.git",
        ".DS_Store",
        "a/b.swp",
        "c~",
        "a/.#b.py",
        "#b.py#",
        ".mypy_cache/x",
    ],
)
def test_caches_and_editor_files_are_left_out(path: str) -> None:
    assert ignore().is_ignored(path)


def test_the_users_file_has_the_last_word() -> None:
    patterns = ignore(b"\xef\xbb\xbf*.bin\r\n!kept.pyc\r\n")
    assert patterns.is_ignored("weights.bin")
    assert not patterns.is_ignored("kept.pyc")


@pytest.mark.parametrize("pattern", [b"*.yaml", b".*", b"/*", b"config.yaml"])
def test_the_config_and_the_file_itself_stay(pattern: bytes) -> None:
    patterns = ignore(pattern)
    assert not patterns.is_ignored("config.yaml")
    assert not patterns.is_ignored(".truss_ignore")


@pytest.mark.parametrize("line", ["foo\\", "!"])
def test_a_pattern_that_truss_rejects(line: str) -> None:
    with pytest.raises(TrussError, match="is not valid, and Truss fails on it"):
        ignore_lines([], line.encode())


def test_the_file_takes_back_truss_own_list_first() -> None:
    text = file_content(ignore_lines(["__pycache__/"], b"notes/\n")).decode()
    rules = [line for line in text.splitlines() if not line.startswith("#")]
    assert rules == ["!*", "__pycache__/", "notes/", "!/config.yaml", "!/.truss_ignore"]
    assert text.endswith("\n")


def test_a_file_that_is_not_utf8() -> None:
    with pytest.raises(TrussError, match="not UTF-8 .byte 0xff at offset 2"):
        ignore_lines([], b"a\n\xff")
