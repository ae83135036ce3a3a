"""The rules that ask the file system itself, and do so anew in every session."""

from __future__ import annotations

import os
from pathlib import Path
from typing import List, Optional

import pytest
from pants.option.global_options import GlobalOptions
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.sources import workspace_scan
from pants_truss.sources.workspace_scan import (
    FileModes,
    FileModesRequest,
    ResolvedFolder,
    ResolveFolderRequest,
    ScanFolderRequest,
    ScannedFolder,
    edited_meanwhile,
)


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[
            *workspace_scan.rules(),
            QueryRule(FileModes, [FileModesRequest]),
            QueryRule(GlobalOptions, []),
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


def test_a_link_that_leaves_the_build_root_is_none(
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


# --- Modes.


def test_modes_of_files_that_are_there(rule_runner: RuleRunner, root: Path) -> None:
    modes = {"user": 0o744, "group": 0o654, "none": 0o644, "all": 0o777}
    (root / "modes").mkdir()
    for name, mode in modes.items():
        (root / "modes" / name).write_text("")
        (root / "modes" / name).chmod(mode)
    (root / "modes/link").symlink_to("user")
    (root / "modes/broken").symlink_to("nowhere")
    asked = [f"modes/{name}" for name in (*modes, "link", "broken", "absent", "user/below")]
    found = rule_runner.request(FileModes, [FileModesRequest(tuple(asked))])
    assert found.files == {f"modes/{name}" for name in (*modes, "link")}
    assert found.executables == {"modes/user", "modes/all", "modes/link"}


@pytest.mark.parametrize(
    ("path", "unless_there", "expected"),
    [
        ("run", False, True),
        ("x", True, False),
        ("made", True, True),
        ("made", False, False),
    ],
)
def test_a_file_that_is_generated_has_the_mode_it_was_made_with(
    path: str, unless_there: bool, expected: bool
) -> None:
    modes = FileModes(frozenset({"run", "x"}), frozenset({"run"}))
    assert modes.is_executable(path, unless_there) is expected


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


# --- Edits while Pants runs.


def global_options(rule_runner: RuleRunner, *options: str) -> GlobalOptions:
    rule_runner.set_options(options)
    return rule_runner.request(GlobalOptions, [])


def test_files_that_changed_since_are_told_in_their_order(
    rule_runner: RuleRunner, root: Path
) -> None:
    (root / "edited").mkdir()
    for name in ("b", "a", "old"):
        (root / "edited" / name).write_text("")
    changed = {n: os.stat(root / "edited" / n).st_ctime_ns for n in ("a", "b", "old")}
    asked = ["edited/b", "edited/absent", "edited/a", "edited/old"]
    options = global_options(rule_runner, "--no-pantsd")
    assert edited_meanwhile(asked, options, min(changed.values()) - 1) == [
        "edited/b",
        "edited/a",
        "edited/old",
    ]
    assert edited_meanwhile(asked, options, max(changed.values())) == []
    # Its time of modification can be set; that of the change itself cannot.
    os.utime(root / "edited/a", (0, 0))
    assert edited_meanwhile(asked, options, max(changed.values())) == ["edited/a"]


@pytest.mark.parametrize(
    ("options", "is_asked"),
    [
        (["--pantsd"], False),
        (["--no-pantsd"], True),
        (["--pantsd", "--concurrent"], True),
        (["--no-pantsd", "--concurrent"], True),
    ],
)
def test_the_daemon_is_told_of_edits(
    rule_runner: RuleRunner, root: Path, options: List[str], is_asked: bool
) -> None:
    (root / "watched").write_text("")
    found = edited_meanwhile(["watched"], global_options(rule_runner, *options), 0)
    assert found == (["watched"] if is_asked else [])
