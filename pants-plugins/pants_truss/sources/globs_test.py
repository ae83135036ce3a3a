"""Globs for files that are named, against what Pants' engine takes them for."""

from __future__ import annotations

from pathlib import Path
from typing import List, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pants.engine.fs import DigestContents, PathGlobs, Paths
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.sources.globs import all_of, exactly, matching

# In one folder, so that each would be found by the glob that another is.
HOSTILE = [
    "*",
    "**",
    "?",
    "a",
    "ab",
    "[ab]",
    "[!a]",
    "[a",
    "a]",
    "]",
    "[]",
    "{a,b}",
    "a b",
    " a",
    "a ",
    "#a",
    "~a",
    "$a",
    "a\\b",
    "a'\"b",
    "é",
    "e\u0301",
    "模型.py",
    "a\nb",
    "-a",
    ".a",
    "a." + "x" * 240,
]


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    runner = RuleRunner(
        rules=[QueryRule(Paths, [PathGlobs]), QueryRule(DigestContents, [PathGlobs])]
    )
    for name in HOSTILE:
        runner.write_files({f"names/{name}": name})
    return runner


def found(rule_runner: RuleRunner, globs: PathGlobs) -> Tuple[List[str], List[str]]:
    paths = rule_runner.request(Paths, [globs])
    return list(paths.files), list(paths.dirs)


@pytest.mark.parametrize("name", HOSTILE)
def test_exactly_the_named_file_is_found(rule_runner: RuleRunner, name: str) -> None:
    (file,) = rule_runner.request(DigestContents, [exactly(f"names/{name}")])
    assert (file.path, file.content.decode()) == (f"names/{name}", name)


@pytest.mark.parametrize("name", ["b", "[b]", "a*", "names", "a/b", "\\*", ".", "[[]a"])
def test_a_name_that_is_not_there_is_no_error(rule_runner: RuleRunner, name: str) -> None:
    assert found(rule_runner, exactly(f"names/{name}")) in (([], []), ([], ["names"]))


@given(names=st.lists(st.sampled_from(HOSTILE), unique=True))
@settings(max_examples=30, deadline=None)
def test_all_of_finds_each_named_file_and_no_other(
    rule_runner: RuleRunner, names: List[str]
) -> None:
    files, _ = found(rule_runner, all_of([f"names/{name}" for name in names]))
    assert sorted(files) == sorted(f"names/{name}" for name in names)


def test_what_is_absent_does_not_keep_others_from_being_found(
    rule_runner: RuleRunner,
) -> None:
    files, _ = found(rule_runner, all_of(["nowhere/x", "names/a", "names/zz", "names/ab"]))
    assert sorted(files) == ["names/a", "names/ab"]


def test_no_names_are_no_files(rule_runner: RuleRunner) -> None:
    assert found(rule_runner, all_of([])) == ([], [])


def test_a_folder_with_a_hostile_name(rule_runner: RuleRunner) -> None:
    rule_runner.write_files({"[x]*/é/f": "1", "x/é/f": "2", "x1/é/f": "3"})
    files, dirs = found(rule_runner, exactly("[x]*/é/f"))
    assert files == ["[x]*/é/f"]
    assert found(rule_runner, exactly("[x]*"))[1] == ["[x]*"]


def test_globs_match_and_their_exclusions_count(rule_runner: RuleRunner) -> None:
    rule_runner.write_files({"globs/a.yaml": "", "globs/b.yaml": "", "globs/c/d.yaml": ""})
    assert found(rule_runner, matching(["globs/*.yaml"]))[0] == [
        "globs/a.yaml",
        "globs/b.yaml",
    ]
    assert found(rule_runner, matching(["globs/**/*.yaml", "!globs/b.*"]))[0] == [
        "globs/a.yaml",
        "globs/c/d.yaml",
    ]
    assert found(rule_runner, matching(["globs/*.toml", "no/such/**"])) == ([], [])


def test_a_link_to_nowhere_is_nothing(rule_runner: RuleRunner) -> None:
    # Written before the folder is asked for: the engine hears of later links when it may.
    rule_runner.write_files({"links/file": "x"})
    folder = Path(rule_runner.build_root, "links")
    (folder / "broken").symlink_to("nowhere")
    (folder / "good").symlink_to("file")
    assert found(rule_runner, exactly("links/good")) == (["links/good"], [])
    assert found(rule_runner, exactly("links/broken")) == ([], [])
