from __future__ import annotations

from typing import List

import pathspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pants_truss.core.gitignore import IgnorePatterns, is_valid

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

names = st.text(alphabet="abAB.-_ é!#[]*?\\", min_size=1, max_size=4).filter(
    lambda name: name not in (".", "..")
)
paths = st.lists(names, min_size=1, max_size=4).map("/".join)
segments = st.one_of(
    st.sampled_from(
        ["*", "**", "?", "a*", "*.b", "[ab]", "[!a]", "[^a-b]", "[]a]", "[", "a[", "\\*", "\\"]
    ),
    names,
)
patterns = st.builds(
    lambda bang, slash, parts, end: bang + slash + "/".join(parts) + end,
    st.sampled_from(["", "", "", "!"]),
    st.sampled_from(["", "", "/"]),
    st.lists(segments, min_size=1, max_size=4),
    st.sampled_from(["", "/"]),
)


def walk_with_pathspec(lines: List[str], path: str) -> bool:
    """Whether Truss's `walk_filtered` keeps a file away: its folders are pruned first."""
    stripped = [line.strip() for line in lines]
    usable = []
    for line in stripped:
        if line and not line.startswith("#"):
            try:
                pathspec.PathSpec.from_lines("gitwildmatch", [line])
            except ValueError:
                assert not is_valid(line)
                continue
            assert is_valid(line)
            usable.append(line)
    spec = pathspec.PathSpec.from_lines("gitwildmatch", usable)
    parts = path.split("/")
    folders = ["/".join(parts[:end]) for end in range(1, len(parts))]
    return spec.match_file(path) or any(
        spec.match_file(folder) or spec.match_file(folder + "/") for folder in folders
    )


@given(st.lists(patterns, max_size=5), paths)
@example(["**"], "a")
@example(["*/"], "a/b")
@example(["**/"], "a/b")
@example(["a/**/b"], "a/b")
@example(["a/**"], "a/b/c")
@example(["!*", "lib/", "!lib/keep"], "lib/keep")
@example(["/a"], "b/a")
@example(["*/", "!/"], "a/b")
@settings(max_examples=1500)
def test_agrees_with_the_library_that_truss_uses(lines: List[str], path: str) -> None:
    ignore = IgnorePatterns(lines)
    expected = walk_with_pathspec(lines, path)
    assert ignore.is_ignored(path) == expected
    assert ignore.keep([path]) == ([] if expected else [path])


@pytest.mark.parametrize("line", ["", "   ", "# comment", "/", "[", "a\\"])
def test_lines_that_match_nothing(line: str) -> None:
    assert not IgnorePatterns([line]).is_ignored("a")


def test_the_last_match_decides() -> None:
    ignore = IgnorePatterns(["*.so", "!keep.so"])
    assert ignore.is_ignored("x/lost.so")
    assert not ignore.is_ignored("x/keep.so")


def test_a_file_in_an_ignored_folder_cannot_come_back() -> None:
    assert IgnorePatterns(["lib/", "!lib/keep.py"]).is_ignored("lib/keep.py")
    assert not IgnorePatterns(["lib/", "!lib/"]).is_ignored("lib/keep.py")
