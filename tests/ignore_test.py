"""Truss's later steps take exactly the gathered files: nothing dropped, no litter added."""

from __future__ import annotations

import hashlib
from pathlib import Path

from support.monorepo import Monorepo, read_tree
from support.truss_library import TrussLibrary

# Each matches Truss's built-in list.
RISKY = [
    "model/lib/helper.py",
    "model/build/x.py",
    "packages/dist/x.py",
    "data/var/weights.bin",
    "data/target/x",
    "data/run.log",
    "packages/native.so",
    "packages/own/.env",
    "packages/own/share/python-wheels/x",
]
RISKY_SHARED = [
    "lib/__init__.py",
    "env/x.py",
    "z.so",
    "a/b/q.spec",
    "a/wheels/w.manifest",
    "parts/p",
]


def make(repo: Monorepo, user_ignore: str = "") -> Path:
    repo.truss("t", "external_package_dirs: [../shared]\n")
    repo.write_all({f"t/{path}": path for path in RISKY})
    repo.package("shared", {path: path for path in RISKY_SHARED})
    repo.write_all({"t/notes/todo.txt": "", "t/packages/own/kept.log": "", "shared/x.tmp": ""})
    if user_ignore:
        repo.write("t/.truss_ignore", user_ignore)
    repo.pants("package", "t").assert_success()
    return repo.dist("t/t")


def check_library(gathered: Path, truss: TrussLibrary, tmp_path: Path) -> None:
    tree = read_tree(gathered)
    # Litter that appears afterwards stays out of images and uploads.
    (gathered / "packages/__pycache__").mkdir()
    (gathered / "packages/__pycache__/x.pyc").write_text("")
    (gathered / ".git").mkdir()
    (gathered / ".git/config").write_text("")
    archive = truss.call("archive", str(gathered))
    assert archive == {
        path: [hashlib.sha256(content).hexdigest(), executable]
        for path, (content, executable) in tree.items()
    }
    truss.call("build_context", str(gathered), str(tmp_path / "context"))
    context = read_tree(tmp_path / "context")
    assert not [path for path in tree if path not in context]
    assert not [path for path in context if ".pyc" in path or path.startswith(".git/")]
    for path in tree:
        assert path == "config.yaml" or context[path] == tree[path]


def test_nothing_is_dropped(repo: Monorepo, truss: TrussLibrary, tmp_path: Path) -> None:
    gathered = make(repo)
    assert {*RISKY, *(f"packages/{path}" for path in RISKY_SHARED)} < set(read_tree(gathered))
    check_library(gathered, truss, tmp_path)


def test_with_the_users_own_ignore_file(
    repo: Monorepo, truss: TrussLibrary, tmp_path: Path
) -> None:
    gathered = make(repo, "# mine\nnotes/\n*.log\n!kept.log\nlib/\n!/packages/lib/\n*.tmp\n")
    tree = read_tree(gathered)
    assert "notes/todo.txt" not in tree
    assert "data/run.log" not in tree and "packages/own/kept.log" in tree
    assert "model/lib/helper.py" not in tree and "packages/lib/__init__.py" in tree
    assert "packages/x.tmp" not in tree
    check_library(gathered, truss, tmp_path)


def test_the_list_is_an_option(repo: Monorepo) -> None:
    repo.truss("t")
    repo.write_all({"t/a.swp": "", "t/b.bak": ""})
    repo.pants("--truss-gather-ignore=+['*.bak']", "package", "t").assert_success()
    assert not {"a.swp", "b.bak"} & set(read_tree(repo.dist("t/t")))
    repo.pants("--truss-gather-ignore=['*.bak']", "package", "t").assert_success()
    assert "a.swp" in read_tree(repo.dist("t/t"))
