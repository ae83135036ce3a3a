"""Pants packages one state of the inputs, even if other processes work at the same time."""

from __future__ import annotations

import hashlib
import json
import subprocess
import tarfile
import threading
from pathlib import Path
from typing import Dict, Iterator, List

import pytest

from support.monorepo import PYTHON_TOML, Monorepo, Tree, read_tree

CONFIG = "external_package_dirs: [../../shared/kit]\n"
FILES = 40


def write(repo: Monorepo, version: str = "1") -> None:
    repo.configure("pants.backend.python", toml=PYTHON_TOML.format(roots='"/shared/*"'))
    repo.package("shared/kit", {f"kit/m{n}.py": f"V = {version}\n" for n in range(FILES)})
    for name in "abc":
        repo.truss(f"trusses/{name}", CONFIG)
        for number in range(FILES):
            repo.write(f"trusses/{name}/data/{number}", f"{name} {number} {version}\n")


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Monorepo]:
    made = Monorepo(tmp_path / "repo", tmp_path / "machine")
    write(made)
    yield made
    made.stop_daemon()


def finish(*processes: "subprocess.Popen[str]") -> None:
    outputs = [process.communicate(timeout=300)[0] for process in processes]
    for process, output in zip(processes, outputs):
        assert process.returncode == 0, output


def packaged(repo: Monorepo, name: str) -> Tree:
    """The truss in `dist/`, which is what its manifest says."""
    tree = read_tree(repo.dist(f"trusses.{name}/{name}"))
    path = repo.dist(f"trusses.{name}/{name}.truss-manifest.json")
    listed = {
        file["path"]: file["sha256"].rpartition(":")[2]
        for file in json.loads(path.read_text())["files"]
    }
    assert listed == {p: hashlib.sha256(content).hexdigest() for p, (content, _) in tree.items()}
    return tree


def test_two_at_once_in_one_repository(repo: Monorepo) -> None:
    """The second waits for the first: both write `dist/`."""
    finish(*(repo.start("package", "trusses::") for _ in range(2)))
    expected = {name: packaged(repo, name) for name in "abc"}
    assert all(len(tree) == 2 * FILES + 3 for tree in expected.values())
    for round_ in range(3):
        repo.write("shared/kit/kit/m0.py", f"V = 'round {round_}'\n")
        finish(repo.start("package", "trusses/a"), repo.start("package", "trusses::"))
        for name in "abc":
            content = packaged(repo, name)["packages/kit/m0.py"][0]
            assert content == f"V = 'round {round_}'\n".encode()


def read_tar(path: Path) -> Dict[str, bytes]:
    with tarfile.open(path) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]


def test_two_clones_that_share_a_cache(tmp_path: Path) -> None:
    """One truss is the same in both clones, and so is the process that makes its tar."""
    clones = []
    for number in range(2):
        clone = Monorepo(tmp_path / f"clone-{number}", tmp_path / "machine")
        write(clone, str(number))
        clone.truss("trusses/same")
        clones.append(clone)
    try:
        for _ in range(2):
            finish(*(clone.start("package", "trusses::") for clone in clones))
            for number, clone in enumerate(clones):
                for name in "abc":
                    tree = packaged(clone, name)
                    assert tree["packages/kit/m7.py"][0] == f"V = {number}\n".encode()
                    assert tree["data/7"][0] == f"{name} 7 {number}\n".encode()
        as_tar = ("--truss-gather-output-format=tar", "package", "trusses::")
        finish(*(clone.start(*as_tar) for clone in clones))
        for clone in clones:
            for name in ("a", "b", "c", "same"):
                tree = packaged(clone, name)
                made = read_tar(clone.dist(f"trusses.{name}/{name}.tar"))
                assert made == {path: content for path, (content, _) in tree.items()}
    finally:
        for clone in clones:
            clone.stop_daemon()


class Editor:
    """Writes the next version into one file after the other, again and again."""

    def __init__(self, repo: Monorepo, paths: List[str]) -> None:
        self._repo, self._paths = repo, paths
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._edit)
        self.version = 0

    def __enter__(self) -> Editor:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _edit(self) -> None:
        while not self._ended.is_set():
            self.version += 1
            for path in self._paths:
                self._repo.replace(path, f"{self.version:06d}" * 1000)
                self._ended.wait(0.01)


EDITED = {
    "packages/kit/m0.py": "shared/kit/kit/m0.py",
    "data/0": "trusses/a/data/0",
    "data/1": "trusses/a/data/1",
    "packages/kit/m1.py": "shared/kit/kit/m1.py",
}


def versions(tree: Tree) -> List[int]:
    found: Dict[str, int] = {}
    for path in EDITED:
        content = tree[path][0].decode()
        # No file is half one version and half another.
        assert content == content[:6] * 1000
        found[path] = int(content[:6])
    return list(found.values())


def test_files_that_are_edited_meanwhile(repo: Monorepo) -> None:
    for path in EDITED.values():
        repo.write(path, "000000" * 1000)
    repo.pants("package", "trusses/a").assert_success()
    seen = []
    with Editor(repo, list(EDITED.values())) as editor:
        for _ in range(8):
            repo.pants("package", "trusses/a").assert_success()
            seen.append(versions(packaged(repo, "a")))
    for found in seen:
        # The editor goes through the files in this order: what lies before is as new or newer.
        assert found == sorted(found, reverse=True) and found[0] - found[-1] <= 1, seen
    assert len({found[0] for found in seen}) > 1 and editor.version > 8
    repo.pants("package", "trusses/a").assert_success()
    assert versions(packaged(repo, "a")) == [editor.version] * len(EDITED)


def test_an_edit_that_pants_misses_without_the_daemon(repo: Monorepo) -> None:
    """Nothing is packaged: it could mix two states."""
    repo.daemon = False
    for path in EDITED.values():
        repo.write(path, "000000" * 1000)
    with Editor(repo, list(EDITED.values())):
        error = repo.pants("package", "trusses/a").assert_failure().stderr
    assert "was changed while it was gathered" in error and "Run again" in error
    assert not repo.dist("trusses.a").exists()
    repo.pants("package", "trusses/a").assert_success()
    assert len(set(versions(packaged(repo, "a")))) == 1
