from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import List

import pathspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pants_truss.core.errors import TrussError
from pants_truss.core.gitignore import IgnorePatterns, expand_braces, is_valid

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
    """Returns True if Truss's `walk_filtered` leaves a file out: it prunes folders first."""
    stripped = [line.strip() for line in lines]
    usable = []
    for line in stripped:
        if line and not line.startswith("#"):
            try:
                pathspec.PathSpec.from_lines("gitwildmatch", [line])
            except (ValueError, re.error):
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


# Few characters, so that the patterns often match, in many ways.
pieces = st.sampled_from(["*", "*", "**", "?", "a", "b", "[!b]", "[^a]", "[+-9]", "[ab]", "\\\\a"])
names_of_pieces = st.lists(pieces, min_size=1, max_size=6).map("".join)
starred = st.builds(
    lambda bang, slash, parts, end: bang + slash + "/".join(parts) + end,
    st.sampled_from(["", "", "!"]),
    st.sampled_from(["", "/"]),
    st.lists(st.one_of(st.just("**"), names_of_pieces), min_size=1, max_size=6),
    st.sampled_from(["", "/"]),
)
short_paths = st.lists(st.text("ab", min_size=1, max_size=5), min_size=1, max_size=6).map("/".join)


@given(st.lists(starred, min_size=1, max_size=2), short_paths)
@example(["*[!a]*b"], "x/b")
@example(["**/a/**/b/**/a"], "a/a/b/b/a/a")
@example(["**/a/**/b/"], "a/b")
@example(["a*b*a/"], "aba/b")
@settings(max_examples=1500)
def test_patterns_with_many_stars_agree_too(lines: List[str], path: str) -> None:
    assert IgnorePatterns(lines).is_ignored(path) == walk_with_pathspec(lines, path)


_HOSTILE = """
from pants_truss.core.gitignore import IgnorePatterns

for line, path in [
    ("*a" * 12 + "b", "data/" + "a" * 100),
    ("*a" * 2_000 + "b", "a" * 4_000),
    ("*?" * 100 + "b", "a" * 4_000),
    ("*[!b]" * 100 + "b", "a/" * 1_000 + "a"),
    ("a*/" * 500 + "b", "aa/" * 500 + "a"),
    ("**/*/" * 200 + "b", "a/" * 1_000 + "a"),
    ("**/a/" * 200 + "b", "a/" * 1_000 + "a"),
    ("x/" + "**/a*/" * 200 + "b", "x/" + "a/" * 1_000 + "a"),
    ("**/" * 5_000 + "b", "a/" * 1_000 + "a"),
    ("[a-z]*" * 500 + "[!a]", "a" * 4_000),
]:
    ignore = IgnorePatterns([line, "!" + line])
    assert not ignore.is_ignored(path) and not ignore.is_dir_ignored(path), line
print("done")
"""


def test_no_pattern_takes_long() -> None:
    # In a process of its own: a regular expression that backtracks cannot be interrupted here.
    done = subprocess.run(
        [sys.executable, "-c", _HOSTILE],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        check=True,
        timeout=20,
    )
    assert done.stdout.decode().strip() == "done"


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


# It warns of what it may take for a set of characters some day.
@pytest.mark.filterwarnings("error::FutureWarning")
@pytest.mark.parametrize(
    ("line", "ignored", "kept"),
    [
        ("a", ["a", "x/a", "a/x", "x/a/y"], ["ab", "ba", "x.a"]),
        ("/a", ["a", "a/x"], ["x/a"]),
        ("a/b", ["a/b", "a/b/c"], ["x/a/b", "a/x/b", "a/bc"]),
        ("a/", ["a/x", "x/a/y"], ["a", "x/a"]),
        ("a/*", ["a/x", "a/x/y"], ["a", "x/a/y"]),
        ("a/**", ["a/x", "a/x/y"], ["a", "b/x"]),
        ("**/a", ["a", "x/a", "x/y/a"], ["xa"]),
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["x/a/b", "ab"]),
        ("a//b", [], ["a/b"]),
        ("//a", [], ["a"]),
        ("a//", [], ["a/b"]),
        ("*.py", [".py", "x.py", "a/x.py"], ["xpy", "x.pyc", "x.py "]),
        ("a?", ["ab", "a.", "x/ab"], ["a", "abc", "a/b"]),
        ("a*b/c", ["ab/c", "axb/c"], ["a/b/c", "a/xb/c"]),
        ("[a-c]x", ["ax", "cx"], ["dx", "x", "-x"]),
        ("[!a-c]x", ["dx", "-x"], ["ax", "x"]),
        ("[^a]x", ["bx", "^x"], ["ax"]),
        ("[]-]x", ["]x", "-x"], ["[x"]),
        ("[^]a]x", ["bx"], ["]x", "ax"]),
        ("[a\\]x", ["ax", "\\x"], ["]x"]),
        ("\\#a", ["#a"], ["\\#a", "a"]),
        ("\\!a", ["!a", "x/!a"], ["a"]),
        ("\\*", ["*", "x/*"], ["a"]),
        ("a\\ b", ["a b"], ["a\\ b"]),
        # None of these means to a pattern what it means to a regular expression.
        ("a.b", ["a.b"], ["axb"]),
        ("a+(b|c)$", ["a+(b|c)$"], ["ab", "aab", "aac"]),
        ("{a,b}^", ["{a,b}^"], ["a", "b"]),
        ("[[:a]x", ["[x", ":x", "ax"], ["bx"]),
        ("[a&&b||c~~d]x", ["ax", "&x", "|x", "~x"], ["ex"]),
        # Names hold what they like.
        ("*.log", ["a\nb.log"], ["a.log\n", "b.log\nc"]),
        ("x", ["a\nb/x"], ["a\nx"]),
        ("é", ["é", "x/é"], ["e\u0301", "É"]),
        ("A", ["A"], ["a"]),
    ],
)
def test_what_a_pattern_means(line: str, ignored: List[str], kept: List[str]) -> None:
    ignore = IgnorePatterns([line])
    assert [path for path in [*ignored, *kept] if ignore.is_ignored(path)] == ignored


@pytest.mark.parametrize(
    ("line", "folders"),
    [
        ("a", ["a", "x/a"]),
        ("a/", ["a", "x/a"]),
        ("/a/", ["a"]),
        ("*/", ["a", "x/a", "b", "x"]),
        ("/*", ["a", "x/a", "b", "x"]),
        ("a/**", ["a"]),
        ("a/*", []),
        ("a/b", []),
        ("!a", []),
    ],
)
def test_folders(line: str, folders: List[str]) -> None:
    ignore = IgnorePatterns([line])
    assert [f for f in ["a", "x/a", "b", "x"] if ignore.is_dir_ignored(f)] == folders


@pytest.mark.parametrize(
    ("lines", "ignored"),
    [
        (["*", "!*.py"], ["a.txt", "x/a.txt", "x/a.py"]),
        # As Truss does, which asks about a folder without its slash too.
        (["*", "!*/", "!*.py"], ["a.txt", "x/a.txt", "x/a.py"]),
        (["*", "!x", "!*.py"], ["a.txt"]),
        (["/*", "!/x"], ["a.txt", "a.py"]),
        (["!*.py", "*.py"], ["a.py", "x/a.py"]),
        (["*.py", "!*.py", "a.py"], ["a.py", "x/a.py"]),
        (["x/*", "!x/a.py"], ["x/a.txt"]),
        (["x", "!x/a.py"], ["x/a.txt", "x/a.py"]),
        (["!x/a.py", "!a.txt"], []),
    ],
)
def test_several_patterns(lines: List[str], ignored: List[str]) -> None:
    every = ["a.txt", "a.py", "x/a.txt", "x/a.py"]
    assert [path for path in every if IgnorePatterns(lines).is_ignored(path)] == ignored


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", True),
        ("  \t", True),
        ("# \\", True),
        ("[", True),
        ("/", True),
        ("!/", True),
        ("a\\\\", True),
        ("!", False),
        (" ! ", False),
        ("a\\", False),
        # The space that is escaped goes before the line is read.
        ("a\\ ", False),
        ("!a/b\\", False),
        ("[z-a]", False),
    ],
)
def test_lines_that_can_be_read(line: str, expected: bool) -> None:
    assert is_valid(line) is expected


def test_a_folder_in_an_ignored_folder_cannot_come_back() -> None:
    ignore = IgnorePatterns(["/a", "!/a/b"])
    assert not ignore.is_dir_ignored("a/b")
    assert ignore.keep(["a/b/c", "b/c"]) == ["b/c"]


def test_a_range_that_runs_backwards_matches_nothing() -> None:
    with pytest.raises(re.error):
        pathspec.PathSpec.from_lines("gitwildmatch", ["[z-a]"])
    ignore = IgnorePatterns(["[z-a]", "*.so"])
    assert ignore.keep(["z", "a", "m", "x.so"]) == ["z", "a", "m"]


@given(st.lists(patterns, max_size=5), st.lists(paths, max_size=6))
def test_to_keep_several_is_to_ask_about_each(lines: List[str], files: List[str]) -> None:
    ignore = IgnorePatterns(lines)
    kept = ignore.keep(files)
    assert kept == [path for path in files if not ignore.is_ignored(path)]
    assert ignore.keep(kept) == kept


@given(st.lists(patterns, max_size=4), paths, paths)
def test_nothing_below_an_ignored_folder_is_kept(lines: List[str], folder: str, below: str) -> None:
    ignore = IgnorePatterns(lines)
    if ignore.is_dir_ignored(folder):
        assert ignore.is_ignored(f"{folder}/{below}")


@given(
    st.lists(patterns, max_size=4),
    st.sampled_from(["", " ", "# a", "/", "[", "!", "b\\", "[b-a]"]),
    st.integers(0, 4),
    paths,
)
def test_a_line_that_means_nothing_changes_nothing(
    lines: List[str], line: str, position: int, path: str
) -> None:
    more = [*lines[:position], line, *lines[position:]]
    padded = [f" \t{each} \r" for each in more]
    expected = IgnorePatterns(lines).is_ignored(path)
    assert IgnorePatterns(more).is_ignored(path) == expected
    assert IgnorePatterns(padded).is_ignored(path) == expected


@given(st.lists(patterns, max_size=4), paths)
def test_all_can_be_taken_back(lines: List[str], path: str) -> None:
    assert not IgnorePatterns([*lines, "!*"]).is_ignored(path)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("*.{bin,pt}", ["*.bin", "*.pt"]),
        ("{a,b}/{c,d}", ["a/c", "a/d", "b/c", "b/d"]),
        ("{a,{b,c}x}", ["a", "bx", "a", "cx"]),
        ("#{a,b}", ["#{a,b}"]),
        ("\\{a,b}", ["\\{a,b}"]),
        ("{a,b", ["{a,b"]),
        ("a}", ["a}"]),
        ("{}", [""]),
    ],
)
def test_braces(line: str, expected: List[str]) -> None:
    assert expand_braces(line) == expected


def test_many_braces() -> None:
    assert expand_braces("{a}" * 3_000) == ["a" * 3_000]
    assert expand_braces("{" * 3_000) == ["{" * 3_000]


def test_braces_that_mean_too_many_patterns() -> None:
    assert len(expand_braces("{a,b}" * 9)) == 512
    with pytest.raises(TrussError, match="'{a,b}.*stands for more than 1,000 patterns. Write"):
        expand_braces("{a,b}" * 12)
