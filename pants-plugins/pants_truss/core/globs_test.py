from __future__ import annotations

from fnmatch import fnmatchcase
from typing import List, Sequence

import pathspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pants_truss.core.globs import can_match_below, escape_glob, exclude_globs, unescape_glob
from pants_truss.core.paths import is_within


def test_globs_for_a_path() -> None:
    assert escape_glob("a[b]/c*?\\") == "a[[]b]/c[*][?]\\"
    assert list(exclude_globs(["a"])) == ["!/a", "!/a/**"]
    assert list(exclude_globs(["a  "])) == ["!/a[ ][ ]", "!/a[ ][ ]/**"]
    assert list(exclude_globs(["a\\b[c]"]))[0] == "!/a\\\\b[[]c]"


@pytest.mark.parametrize(
    ("glob", "folder", "expected"),
    [
        ("**/*", "a/b", True),
        ("t/model/**/*.py", "t/model/shared", True),
        ("t/data/*.csv", "t/data", True),
        ("t/*/x", "t/anything", True),
        ("t/data/*.csv", "t/data/sub", False),
        ("t/model/**", "t/data", False),
        ("t/x", "t/x", False),
    ],
)
def test_can_match_below(glob: str, folder: str, expected: bool) -> None:
    assert can_match_below(glob, folder) is expected


@pytest.mark.parametrize(
    ("glob", "folder", "expected"),
    [
        ("*", "t", False),
        ("*/*", "t", True),
        ("t/*.py", "t", True),
        ("**", "t", True),
        ("t/**", "t/a/b", True),
        ("a/*/c", "a/b", True),
        ("a/*/c", "a/b/c", False),
        ("a/*/**/x", "a/b/c/d", True),
        ("A/*", "a", False),
        ("a?/[bc]/*", "ax/b", True),
        ("a?/[bc]/*", "ax/d", False),
        ("a?/*", "a", False),
        ("[*]/x", "*", True),
        ("[*]/x", "a", False),
        ("a**/x", "ab/c", False),
    ],
)
def test_globs_and_folders(glob: str, folder: str, expected: bool) -> None:
    assert can_match_below(glob, folder) is expected


def matches(glob: Sequence[str], path: Sequence[str]) -> bool:
    if not glob or not path:
        return list(glob) == list(path) or list(glob) == ["**"]
    if glob[0] == "**":
        return matches(glob[1:], path) or matches(glob, path[1:])
    return fnmatchcase(path[0], glob[0]) and matches(glob[1:], path[1:])


parts = st.sampled_from(["a", "b", "ab"])


@given(
    st.lists(st.sampled_from(["a", "*", "a*", "?", "[ab]", "**"]), min_size=1, max_size=5),
    st.lists(parts, min_size=1, max_size=3),
    st.lists(parts, min_size=1, max_size=3),
)
@settings(max_examples=500)
def test_no_folder_is_passed_over_that_holds_a_match(
    glob: List[str], folder: List[str], below: List[str]
) -> None:
    if matches(glob, [*folder, *below]):
        assert can_match_below("/".join(glob), "/".join(folder))
    if "**" not in glob and len(glob) <= len(folder):
        assert not can_match_below("/".join(glob), "/".join(folder))


names = st.text(alphabet="ab*?[]!^-\\#~ .é", min_size=1, max_size=6).filter(
    lambda name: name.strip(".") == name and name.strip()
)
paths = st.lists(names, min_size=1, max_size=3).map("/".join)


@given(paths, paths)
def test_an_escaped_glob_matches_the_path_alone(path: str, other: str) -> None:
    assert fnmatchcase(path, escape_glob(path))
    assert unescape_glob(escape_glob(path)) == path
    assert fnmatchcase(other, escape_glob(path)) == (other == path)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:Possible nested:FutureWarning")
@given(paths, paths)
@settings(max_examples=300)
def test_excludes_reach_the_path_and_what_is_below(path: str, other: str) -> None:
    globs = list(exclude_globs([path]))
    assert all(glob.startswith("!/") for glob in globs)
    spec = pathspec.PathSpec.from_lines("gitwildmatch", [glob[1:] for glob in globs])
    assert spec.match_file(path)
    assert spec.match_file(f"{path}/{other}")
    for each in (other, f"{other}/{path}"):
        assert spec.match_file(each) == is_within(each, path)


def test_excludes_of_several_paths_in_their_order() -> None:
    assert list(exclude_globs(["b", "a/c"])) == ["!/b", "!/b/**", "!/a/c", "!/a/c/**"]
    assert list(exclude_globs([])) == []
