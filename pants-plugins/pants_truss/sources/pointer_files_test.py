"""Content that was not fetched, in files and folders of a real build root."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Tuple

import pytest
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.core.gathered import GatheredFile
from pants_truss.sources import pointer_files
from pants_truss.sources.file_entries import SourceFile
from pants_truss.sources.pointer_files import (
    EmptySubmodules,
    EmptySubmodulesRequest,
    FindPointersRequest,
    FoundPointers,
    pointer_requests,
)

POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'ab' * 32}\nsize 9\n"


@pytest.fixture
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[
            *pointer_files.rules(),
            QueryRule(EmptySubmodules, [EmptySubmodulesRequest]),
            QueryRule(FoundPointers, [FindPointersRequest]),
        ]
    )


def test_pointers_are_found_by_content(rule_runner: RuleRunner) -> None:
    contents = {"a/x.bin": POINTER, "a/y.txt": "z" * len(POINTER)}
    rule_runner.make_snapshot(contents)
    files = [
        SourceFile(path, hashlib.sha256(text.encode()).hexdigest(), len(text))
        for path, text in contents.items()
    ]
    found = rule_runner.request(FoundPointers, [FindPointersRequest(tuple(files))])
    assert found.pointers == (
        ("a/x.bin", "is a Git LFS pointer, not the file itself. Run `git lfs pull`"),
    )


def gathered(source: str, size: int) -> GatheredFile:
    return GatheredFile(source, "0", size, False, None, source, "truss")


def test_only_small_files_that_are_no_code_are_looked_into() -> None:
    files = [
        gathered("a/x.bin", 130),
        gathered("a/y.bin", 1024),
        gathered("a/z.bin", 39),
        gathered("a/x.py", 130),
        gathered("b/x.bin", 40),
        gathered("a/w.bin", 1023),
    ]
    found = [[file.path for file in request.files] for request in pointer_requests(files)]
    assert found == [["a/x.bin", "a/w.bin"], ["b/x.bin"]]


def empty(rule_runner: RuleRunner) -> Tuple[str, ...]:
    rule_runner.set_options([])
    return rule_runner.request(EmptySubmodules, [EmptySubmodulesRequest()]).paths


def test_submodules_that_are_not_checked_out(rule_runner: RuleRunner) -> None:
    assert empty(rule_runner) == ()
    root = Path(rule_runner.build_root)
    paths = ["full", "empty", "deep/absent"]
    (root / ".gitmodules").write_text(
        "".join(f'[submodule "{path}"]\n\tpath = {path}\n' for path in paths)
    )
    (root / "full").mkdir()
    (root / "full/x").write_text("")
    (root / "empty").mkdir()
    assert empty(rule_runner) == ("deep/absent", "empty")
    (root / "empty/x").write_text("")
    assert empty(rule_runner) == ("deep/absent",)
    (root / ".gitmodules").write_bytes(b"\xff")
    assert empty(rule_runner) == ()


def test_a_submodule_in_a_submodule(rule_runner: RuleRunner) -> None:
    root = Path(rule_runner.build_root)
    (root / ".gitmodules").write_text('[submodule "x"]\n\tpath = outer/x\n')
    (root / "outer/x/inner").mkdir(parents=True)
    (root / "outer/x/.gitmodules").write_text(
        '[submodule "i"]\n\tpath = inner\n[submodule "l"]\n\tpath = loop\n'
    )
    (root / "outer/x/loop").symlink_to(".")
    found = rule_runner.request(EmptySubmodules, [EmptySubmodulesRequest()])
    assert found.paths == ("outer/x/inner",)


def test_a_build_root_below_the_repository_has_its_submodules(rule_runner: RuleRunner) -> None:
    root = Path(rule_runner.build_root)
    (root.parent / ".git").mkdir()
    modules = root.parent / ".gitmodules"
    try:
        modules.write_text(f"path = {root.name}/inside\npath = beside\n")
        assert empty(rule_runner) == ("inside",)
    finally:
        modules.unlink()
        (root.parent / ".git").rmdir()


def test_a_folder_lies_in_a_submodule() -> None:
    found = EmptySubmodules(("a/b", "c"))
    assert [found.around(path) for path in ("a/b/x", "a/b", "a", "cc")] == [
        "a/b",
        "a/b",
        None,
        None,
    ]
