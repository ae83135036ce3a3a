from __future__ import annotations

import pytest

from pants_truss.core.git_content import (
    MAX_POINTER_BYTES,
    MIN_POINTER_BYTES,
    describe_pointer,
    is_annexed,
    submodule_paths,
)

LFS = b"version https://git-lfs.github.com/spec/v1\n"
OID = b"oid sha256:" + b"4d7a" * 16 + b"\n"


@pytest.mark.parametrize(
    "content",
    [
        LFS + OID + b"size 12345\n",
        LFS + OID + b"size 0",
        LFS + b"ext-0-foo sha256:" + b"ab" * 32 + b"\n" + OID + b"size 1\n",
        b"version https://hawser.github.com/spec/v1\n" + OID + b"size 1\n",
    ],
)
def test_pointers_of_git_lfs(content: bytes) -> None:
    assert describe_pointer(content) == (
        "is a Git LFS pointer, not the file itself. Run `git lfs pull`"
    )
    assert MIN_POINTER_BYTES <= len(content) <= MAX_POINTER_BYTES


@pytest.mark.parametrize(
    "content",
    [
        b"",
        LFS,
        LFS + b"oid sha256:abc\nsize 1\n",
        LFS + OID,
        LFS + OID + b"size 1\nand more\n",
        b"# " + LFS + OID + b"size 1\n",
        b"see /annex/objects/x\n",
        b"/annex/objects/",
    ],
)
def test_files_that_only_look_like_pointers(content: bytes) -> None:
    assert describe_pointer(content) is None


def test_pointers_of_git_annex() -> None:
    content = b"/annex/objects/SHA256E-s12--" + b"ab" * 32 + b".bin\n"
    assert describe_pointer(content) == (
        "is a git-annex pointer, not the file itself. Run `git annex get`"
    )
    assert is_annexed("../../.git/annex/objects/x/y/z") and not is_annexed("../annex/objects")


def test_paths_of_submodules() -> None:
    text = """
    [submodule "one"]
    \tpath = libs/one
    \turl = https://example.com/path = x
    [submodule "two"]
        url = x
        path="with space/two/"
    # path = three
    """
    assert submodule_paths(text) == ["libs/one", "with space/two"]
    assert submodule_paths("") == []
