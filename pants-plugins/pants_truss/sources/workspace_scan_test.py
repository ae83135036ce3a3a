from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Tuple

import pytest

from pants_truss.sources.workspace_ignore import IgnoreLine, WorkspaceIgnore
from pants_truss.sources.workspace_scan import (
    MAX_IGNORED_FILES,
    IgnoredPath,
    ScannedFolder,
    walk_folder,
)


def line(pattern: str) -> IgnoreLine:
    return IgnoreLine(pattern, ".gitignore:1")


def scan(buildroot: Path, *patterns: str) -> ScannedFolder:
    return walk_folder(str(buildroot), "t", WorkspaceIgnore.of(map(line, patterns)))


def problems(buildroot: Path) -> Dict[str, str]:
    return {bad.path: bad.problem for bad in scan(buildroot).bad_paths}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").write_text("x")
    (tmp_path / "repo/t/sub").mkdir(parents=True)
    (tmp_path / "repo/t/file").write_text("x")
    (tmp_path / "repo/other").mkdir()
    (tmp_path / "repo/other/deep").write_text("x")
    return tmp_path / "repo"


def test_links_that_are_fine(repo: Path) -> None:
    (repo / "t/link").symlink_to("file")
    (repo / "t/sub/up").symlink_to("../link")
    (repo / "t/folder").symlink_to("../other")
    found = scan(repo)
    assert found.file_links == ("t/link", "t/sub/up")
    assert not found.bad_paths


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("nowhere", "is a symlink to 'nowhere', which does not exist. Remove it or fix it"),
        ("/etc/passwd", "is a symlink to '/etc/passwd', an absolute path. Make it relative"),
        ("../../../outside/secret", "which leaves the build root. Copy what it points to"),
        ("../../../outside", "which leaves the build root. Copy what it points to"),
        ("../../../repo/t/file", "which leaves the build root. Copy what it points to"),
        (".", "a folder that holds the link: it has no end. Remove it"),
        ("..", "a folder that holds the link: it has no end. Remove it"),
        ("../..", "a folder that holds the link: it has no end. Remove it"),
        ("link", "which leads back to itself. Remove it"),
        ("file/x", "does not exist"),
    ],
)
def test_links_that_are_not(repo: Path, target: str, problem: str) -> None:
    (repo / "t/sub/link").symlink_to(target)
    assert problem in problems(repo)["t/sub/link"]


def test_a_link_that_leaves_by_way_of_another(repo: Path) -> None:
    (repo / "other/out").symlink_to("../../outside")
    (repo / "t/link").symlink_to("../other/out/secret")
    assert "which leaves the build root" in problems(repo)["t/link"]


@pytest.mark.parametrize("target", ["../other/mid", "../other/folder/deep"])
def test_an_absolute_link_on_the_way(repo: Path, target: str) -> None:
    (repo / "other/mid").symlink_to(repo / "other/deep")
    (repo / "other/folder").symlink_to(repo / "other")
    (repo / "t/link").symlink_to(target)
    way = "other/mid" if target.endswith("mid") else "other/folder"
    assert f"an absolute path by way of {way}. Make it relative" in problems(repo)["t/link"]


def test_a_linked_folder_that_pants_ignores(repo: Path) -> None:
    (repo / "t/link").symlink_to("../other")
    (bad,) = scan(repo, "/other").bad_paths
    assert "a folder that Pants ignores" in bad.problem


def test_a_link_to_neither_file_nor_folder(repo: Path) -> None:
    os.mkfifo(repo / "other/fifo")
    (repo / "t/link").symlink_to("../other/fifo")
    assert "which is not a file" in problems(repo)["t/link"]


def test_a_name_that_is_not_utf8(repo: Path) -> None:
    (repo / "t/\udcff.txt").write_text("")
    assert problems(repo) == {"t/\\udcff.txt": "has a name that is not UTF-8. Rename it"}


def test_links_in_a_linked_folder(repo: Path) -> None:
    (repo / "other/bad").symlink_to("/etc/passwd")
    (repo / "t/sub/folder").symlink_to("../../other")
    (bad,) = scan(repo).bad_paths
    assert (bad.path, bad.real_path) == ("t/sub/folder/bad", "other/bad")


def test_two_links_around_a_circle(repo: Path) -> None:
    (repo / "t/a").symlink_to("b")
    (repo / "t/b").symlink_to("a")
    assert set(problems(repo)) == {"t/a", "t/b"}
    (repo / "other/back").symlink_to("../t")
    (repo / "t/sub/there").symlink_to("../../other")
    assert "has no end" in problems(repo)["t/sub/there/back"]


def test_executables(repo: Path) -> None:
    (repo / "t/file").chmod(0o755)
    (repo / "other/deep").chmod(0o700)
    (repo / "t/folder").symlink_to("../other")
    (repo / "t/link").symlink_to("file")
    assert scan(repo).executables == {"t/file", "t/folder/deep", "t/link"}


def test_virtual_environments_are_found_and_not_entered(repo: Path) -> None:
    (repo / "t/sub/pyvenv.cfg").write_text("")
    (repo / "t/sub/python").symlink_to("/usr/bin/python3")
    assert scan(repo) == ScannedFolder((), frozenset(), (), (), ("t/sub",))
    (repo / "t/pyvenv.cfg").write_text("")
    assert "t" not in scan(repo).virtualenvs


def test_what_pants_ignores_is_not_looked_at(repo: Path) -> None:
    (repo / "t/sub/bad").symlink_to("nowhere")
    assert scan(repo, "/t/sub") == ScannedFolder(
        (IgnoredPath("t/sub", True, line("/t/sub"), ("t/sub/bad",)),), frozenset(), (), (), ()
    )
    assert not scan(repo, "/t/sub/bad").bad_paths


# --- What Pants ignores.


def ignored(buildroot: Path, *patterns: str) -> Dict[str, Tuple[str, ...]]:
    return {found.path: found.files for found in scan(buildroot, *patterns).ignored}


def test_ignored_files_are_noted_with_the_line_that_ignores_them(repo: Path) -> None:
    for name in ("a.pkl", "b.bin", "keep.bin", "c.txt"):
        (repo / "t" / name).write_text("")
    (repo / "t/link.pkl").symlink_to("../other/deep")
    found = scan(repo, "*.pkl", "*.bin", "!keep.bin").ignored
    assert [(each.path, each.line.pattern, each.is_folder) for each in found] == [
        ("t/a.pkl", "*.pkl", False),
        ("t/b.bin", "*.bin", False),
        ("t/link.pkl", "*.pkl", False),
    ]


def test_ignored_folders_are_noted_with_the_files_in_them(repo: Path) -> None:
    (repo / "t/weights/deep/empty").mkdir(parents=True)
    (repo / "t/weights/deep/x.bin").write_text("")
    (repo / "t/weights/y.bin").write_text("")
    assert ignored(repo, "weights/") == {"t/weights": ("t/weights/deep/x.bin", "t/weights/y.bin")}
    for number in range(MAX_IGNORED_FILES):
        (repo / f"t/weights/{number}").write_text("")
    assert len(ignored(repo, "weights/")["t/weights"]) == MAX_IGNORED_FILES


def test_litter_is_not_noted(repo: Path) -> None:
    litter = ["__pycache__/x.pyc", ".DS_Store", "a.log", "x.swp", ".env", ".cache/huggingface/y"]
    in_folder = ["only/.DS_Store", "only/__pycache__/z.pyc", "venv/pyvenv.cfg", "venv/lib/x.py"]
    for path in (*litter, *in_folder):
        (repo / "t" / path).parent.mkdir(parents=True, exist_ok=True)
        (repo / "t" / path).write_text("")
    patterns = ["__pycache__", ".DS_Store", "*.log", "*.swp", ".env", ".*/", "/t/only/", "venv/"]
    assert ignored(repo, *patterns) == {}


def test_a_truss_in_a_folder_with_the_name_of_litter_misses_its_files(repo: Path) -> None:
    (repo / "eggs/t").mkdir(parents=True)
    (repo / "eggs/t/a.pkl").write_text("")
    ignore = WorkspaceIgnore.of([line("*.pkl")])
    assert [i.path for i in walk_folder(str(repo), "eggs/t", ignore).ignored] == ["eggs/t/a.pkl"]


@pytest.mark.parametrize("target", ["../.git/annex/objects/x", "../../.git/annex/objects/x"])
def test_a_link_of_git_annex_names_the_command(repo: Path, target: str) -> None:
    (repo / "t/sub/weights").symlink_to(target)
    assert "Run `git annex get t/sub/weights`" in problems(repo)["t/sub/weights"]
    (repo / ".git/annex/objects").mkdir(parents=True)
    (repo / ".git/annex/objects/x").write_text("")
    assert "`git annex unlock t/sub/weights`" in problems(repo)["t/sub/weights"]


# Entries that are not a file, folder or link, or that cannot be read.


def test_special_files(repo: Path) -> None:
    """Pants leaves them out silently."""
    os.mkfifo(repo / "t/sub/pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        folder = os.open(repo / "t", os.O_RDONLY)
        # The path of a socket is short.
        listener.bind(f"/proc/self/fd/{folder}/sock" if sys.platform == "linux" else "sock")
        os.close(folder)
    assert problems(repo) == {
        "t/sub/pipe": "is a named pipe, and no file. Remove it",
        "t/sock": "is a socket, and no file. Remove it",
    }
    assert not scan(repo, "pipe", "sock").bad_paths


def test_a_folder_whose_path_is_too_long(repo: Path) -> None:
    here = os.open(repo / "t", os.O_RDONLY)
    name, depth = "d" * 250, 20
    for _ in range(depth):
        os.mkdir(name, dir_fd=here)
        below = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    (problem,) = problems(repo).values()
    assert problem == "cannot be read: File name too long. Fix that"
    subprocess.run(["rm", "-rf", str(repo / "t")], check=True)


def test_a_folder_that_fails_to_be_read(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def fail(path: str) -> Any:
        if path.endswith("/sub"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", fail)
    assert problems(repo) == {"t/sub": "cannot be read: Permission denied. Fix that"}
    # The scan does not report errors in folders that Pants ignores.
    assert not scan(repo, "sub/").bad_paths


# --- What only this machine sees.


@pytest.mark.parametrize(
    ("own", "personal", "expected"),
    [
        ("file", "!/t/file", {"t/file": ("t/file",)}),
        ("sub/", "!sub/", {"t/sub": ("t/sub/x",)}),
        ("t/sub/*", "!x", {"t/sub/x": ("t/sub/x",)}),
        ("file", "!other", {}),
        ("other", "!*", {}),
        ("file", "/t/file", {}),
        ("*.pyc", "!*.pyc", {}),
    ],
)
def test_a_personal_line_that_brings_back(
    repo: Path, own: str, personal: str, expected: Dict[str, Tuple[str, ...]]
) -> None:
    (repo / "t/sub/x").write_text("x")
    (repo / "t/x.pyc").write_text("x")
    mine = IgnoreLine(personal, ".git/info/exclude:1", is_personal=True)
    found = walk_folder(str(repo), "t", WorkspaceIgnore.of([line(own), mine])).only_here
    assert {path.path: path.files for path in found} == expected
    assert all((path.line, path.kept_by) == (line(own), mine) for path in found)


def test_a_later_line_of_the_repository_decides_for_all(repo: Path) -> None:
    lines = [IgnoreLine("!file", "user:1", is_personal=True), line("file")]
    found = walk_folder(str(repo), "t", WorkspaceIgnore.of(lines))
    assert not found.only_here
    assert [path.path for path in found.ignored] == ["t/file"]
