"""The patterns that Pants ignores files by, in its order, with the place of each."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Dict, Iterable, List

import pytest
from pants.engine.fs import PathGlobs, Paths
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.core.errors import TrussError
from pants_truss.sources import workspace_ignore
from pants_truss.sources.workspace_ignore import (
    IgnoreLine,
    WorkspaceIgnore,
    WorkspaceIgnoreRequest,
)


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[
            *workspace_ignore.rules(),
            QueryRule(WorkspaceIgnore, [WorkspaceIgnoreRequest]),
        ]
    )


@pytest.fixture
def root(rule_runner: RuleRunner) -> Path:
    return Path(rule_runner.build_root)


def ignore(rule_runner: RuleRunner, home: Path, *options: str) -> WorkspaceIgnore:
    rule_runner.set_options(options, env={"HOME": str(home)})
    before = dict(os.environ)
    os.environ["HOME"] = str(home)
    os.environ.pop("XDG_CONFIG_HOME", None)
    try:
        return rule_runner.request(WorkspaceIgnore, [WorkspaceIgnoreRequest()])
    finally:
        os.environ.clear()
        os.environ.update(before)


def test_the_files_of_the_repository_and_of_the_machine_make_one_list(
    rule_runner: RuleRunner, root: Path, tmp_path: Path
) -> None:
    (root / ".git/info").mkdir(parents=True)
    (root / ".git/info/exclude").write_text("/mine/\n")
    (root / ".gitignore").write_bytes(b"build/\n# why\n*.\xff\n!build/keep\n")
    (tmp_path / ".config/git").mkdir(parents=True)
    user_file = tmp_path / ".config/git/ignore"
    user_file.write_text("*.{bin,pt}\n")
    found = ignore(rule_runner, tmp_path, "--pants-ignore=['/opt/']")
    assert found.lines[:7] == (
        IgnoreLine("*.bin", f"{user_file}:1", is_personal=True),
        IgnoreLine("*.pt", f"{user_file}:1", is_personal=True),
        IgnoreLine("build/", ".gitignore:1"),
        IgnoreLine("# why", ".gitignore:2"),
        IgnoreLine("*.\ufffd", ".gitignore:3"),
        IgnoreLine("!build/keep", ".gitignore:4"),
        IgnoreLine("/mine/", ".git/info/exclude:1", is_personal=True),
    )
    assert IgnoreLine("/opt/", "`[GLOBAL].pants_ignore`") in found.lines
    line = found.ignoring_line("mine", is_dir=True)
    assert line and line.origin == ".git/info/exclude:1"
    assert found.ignoring_line("mine") is None
    without = ignore(rule_runner, tmp_path, "--no-pants-ignore-use-gitignore")
    assert {line.origin for line in without.lines} == {"`[GLOBAL].pants_ignore`"}


def test_a_gitignore_that_is_a_folder_has_no_lines(
    rule_runner: RuleRunner, root: Path, tmp_path: Path
) -> None:
    (root / ".gitignore").unlink(missing_ok=True)
    (root / ".gitignore").mkdir()
    try:
        found = ignore(rule_runner, tmp_path)
        assert ".gitignore:1" not in [line.origin for line in found.lines]
    finally:
        (root / ".gitignore").rmdir()


# --- Against Pants itself.

PATTERNS = (
    "*.pkl",
    "!keep.pkl",
    "weights/",
    "/top/only.txt",
    "a/**/z",
    "*.{bin,pt}",
    "[xy].dat",
    "data/*",
    "!data/k",
    "\\!literal",
)
FILES = (
    "a.pkl",
    "d/keep.pkl",
    "d/weights",
    "e/weights/x",
    "top/only.txt",
    "d/top/only.txt",
    "a/z",
    "a/b/z",
    "m.bin",
    "m.pt",
    "m.binary",
    "x.dat",
    "z.dat",
    "data/l",
    "data/k",
    "!literal",
)


def found_by_pants(files: Iterable[str]) -> Dict[str, bool]:
    rule_runner = RuleRunner(
        rules=[QueryRule(Paths, [PathGlobs])], bootstrap_args=[f"--pants-ignore={[*PATTERNS]!r}"]
    )
    rule_runner.write_files({file: "" for file in files})
    seen = set(rule_runner.request(Paths, [PathGlobs(["**"])]).files)
    return {file: file in seen for file in files}


def walked(ignore: WorkspaceIgnore, file: str) -> bool:
    parts = file.split("/")
    folders = ["/".join(parts[:end]) for end in range(1, len(parts))]
    return not (
        any(ignore.ignoring_line(folder, is_dir=True) for folder in folders)
        or ignore.ignoring_line(file)
    )


def test_a_walk_sees_what_pants_sees() -> None:
    lines: List[IgnoreLine] = []
    for pattern in PATTERNS:
        lines += workspace_ignore.read_ignore_line(pattern, "here")
    mine = WorkspaceIgnore.of(lines)
    assert {file: walked(mine, file) for file in FILES} == found_by_pants(FILES)


def test_braces_that_mean_too_many_patterns() -> None:
    with pytest.raises(
        TrussError, match=r"^\.gitignore:3: the ignore pattern '\{a,b\}.* more than"
    ):
        list(workspace_ignore.read_ignore_line("{a,b}" * 12, ".gitignore:3"))
