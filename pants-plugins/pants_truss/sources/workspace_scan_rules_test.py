"""The rules that ask the file system itself, and do so again in every session."""

from __future__ import annotations

from pathlib import Path
from typing import List, Optional

import pytest
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.pants_api import heap
from pants_truss.sources import workspace_scan
from pants_truss.sources.workspace_scan import (
    ResolvedFolder,
    ResolveFolderRequest,
    ScanFolderRequest,
    ScannedFolder,
)


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[
            *workspace_scan.rules(),
            QueryRule(ResolvedFolder, [ResolveFolderRequest]),
            QueryRule(ScannedFolder, [ScanFolderRequest]),
        ]
    )


@pytest.fixture
def root(rule_runner: RuleRunner) -> Path:
    rule_runner.set_options([])
    return Path(rule_runner.build_root)


def resolve(rule_runner: RuleRunner, folder: str) -> Optional[str]:
    return rule_runner.request(ResolvedFolder, [ResolveFolderRequest(folder)]).folder


# --- Folders.


def test_a_folder_is_itself_whether_it_is_there_or_not(rule_runner: RuleRunner, root: Path) -> None:
    (root / "here/é x").mkdir(parents=True)
    for folder in ("", "here", "here/é x", "here/nowhere/x", "nowhere"):
        assert resolve(rule_runner, folder) == folder


def test_a_link_is_the_folder_that_it_leads_to(rule_runner: RuleRunner, root: Path) -> None:
    (root / "real/deep").mkdir(parents=True)
    (root / "link").symlink_to("real")
    (root / "twice").symlink_to("link/deep")
    (root / "absolute").symlink_to(root / "real")
    (root / "top").symlink_to(".")
    assert resolve(rule_runner, "link") == "real"
    assert resolve(rule_runner, "link/deep") == "real/deep"
    assert resolve(rule_runner, "link/absent") == "real/absent"
    assert resolve(rule_runner, "twice") == "real/deep"
    assert resolve(rule_runner, "absolute") == "real"
    assert resolve(rule_runner, "top") == ""


def test_a_link_that_leaves_the_build_root_does_not_count(
    rule_runner: RuleRunner, root: Path, tmp_path: Path
) -> None:
    # A folder beside it, whose name begins like that of the build root.
    beside = Path(f"{root}-beside")
    beside.mkdir()
    (root / "leaves").symlink_to(tmp_path)
    (root / "beside").symlink_to(beside)
    (root / "above").symlink_to("..")
    found = {f: resolve(rule_runner, f) for f in ("leaves", "leaves/x", "beside", "above")}
    beside.rmdir()
    assert set(found.values()) == {None}


def test_a_folder_that_becomes_a_link_is_seen_in_the_next_session(
    rule_runner: RuleRunner, root: Path
) -> None:
    (root / "one").mkdir()
    (root / "changing").mkdir()
    assert resolve(rule_runner, "changing") == "changing"
    (root / "changing").rmdir()
    (root / "changing").symlink_to("one")
    assert resolve(rule_runner, "changing") == "changing"
    rule_runner.set_options([])
    assert resolve(rule_runner, "changing") == "one"


def test_what_git_ignores_is_not_scanned(rule_runner: RuleRunner, root: Path) -> None:
    (root / ".gitignore").write_text("/scanned/lib/\n")
    for folder in ("lib", "src", "__pycache__", ".git"):
        (root / "scanned" / folder).mkdir(parents=True)
        (root / "scanned" / folder / "broken").symlink_to("nowhere")
    rule_runner.set_options([])
    found = rule_runner.request(ScannedFolder, [ScanFolderRequest("scanned")])
    assert found.ignored_folders == ["scanned/lib"]
    assert [bad.path for bad in found.bad_paths] == ["scanned/src/broken"]
    (root / ".gitignore").write_text("/scanned/src/\n")
    rule_runner.set_options([])
    found = rule_runner.request(ScannedFolder, [ScanFolderRequest("scanned")])
    assert found.ignored_folders == ["scanned/src"]


def test_a_folder_that_is_not_there_is_empty(rule_runner: RuleRunner) -> None:
    found = rule_runner.request(ScannedFolder, [ScanFolderRequest("no/such")])
    assert found == ScannedFolder((), frozenset(), (), (), ())


@pytest.mark.parametrize("options, times", [([], 1), (["--no-truss-gather-release-memory"], 0)])
def test_an_option_decides_if_memory_is_released(
    rule_runner: RuleRunner, options: List[str], times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    released: List[int] = []
    monkeypatch.setattr(heap, "release", released.append)
    rule_runner.set_options(options)
    rule_runner.request(ScannedFolder, [ScanFolderRequest(f"memory{times}")])
    assert len(released) == times
