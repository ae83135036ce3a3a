"""Files that Git keeps from a truss: ignored ones, pointers, submodules. Nothing is lost silently."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.monorepo import Monorepo

POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'ab' * 32}\nsize 540\n"


@pytest.fixture
def repo(tmp_path: Path) -> Monorepo:
    """Without a daemon: Pants reads ignore files when it starts."""
    return Monorepo(tmp_path / "repo", tmp_path / "machine", daemon=False).configure()


def package(repo: Monorepo) -> str:
    return repo.pants("package", "::").assert_failure().stderr


def ignore(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_files_that_the_repository_ignores(repo: Monorepo) -> None:
    repo.truss("t", "external_package_dirs: [../shared]\n")
    repo.package("shared", {"kit/table.pkl": "", "kit/__init__.py": ""})
    repo.write_all({"t/data/w.safetensors": "", "t/notes.pkl": "", "t/data/x.log": ""})
    repo.commit()
    own = repo.root / ".gitignore"
    ignore(own, own.read_text() + "*.pkl\n*.safetensors\n*.log\n__pycache__/\n")
    said = package(repo)
    assert (
        "t/data/w.safetensors: the file is left out, as Pants ignores it by `*.safetensors`" in said
    )
    assert "(.gitignore:5)" in said
    assert "shared/kit/table.pkl: the file is left out" in said
    assert "t/notes.pkl" not in said and "x.log" not in said
    # Each way out that the message names, for one of them.
    ignore(own, own.read_text() + "!/t/data/w.safetensors\n")
    repo.write("shared/BUILD", 'truss_external_package(sources=["**/*", "!kit/table.pkl"])\n')
    run = repo.pants("package", "::").assert_success()
    assert "Warning: t/notes.pkl: the file is left out" in run.stderr
    assert repo.dist("t/t/data/w.safetensors").exists()
    assert not repo.dist("t/t/packages/kit/table.pkl").exists()
    repo.configure(toml='pants_ignore.add = ["!/t/notes.pkl"]')
    assert "left out" not in repo.pants("package", "::").assert_success().stderr
    assert repo.dist("t/t/notes.pkl").exists()


def test_ignore_files_in_other_folders_are_not_read(repo: Monorepo) -> None:
    repo.truss("t")
    repo.write_all({"t/data/w.bin": "", "t/data/.gitignore": "*\n"})
    repo.commit()
    assert "left out" not in repo.pants("package", "::").assert_success().stderr
    assert repo.dist("t/t/data/w.bin").exists()


def test_excludes_of_one_machine(repo: Monorepo) -> None:
    """The same commit never gives other bytes silently."""
    repo.truss("t")
    repo.write("t/data/w.bin")
    repo.commit()
    repo.pants("package", "::").assert_success()
    user_file = repo.machine / "home/.config/git/ignore"
    ignore(user_file, "*.bin\n")
    said = package(repo)
    assert f"by `*.bin` ({user_file}:1). That line is not part of the repository" in said
    user_file.unlink()
    exclude = repo.root / ".git/info/exclude"
    ignore(exclude, "/t/data/\n")
    said = package(repo)
    assert "(t/data): the folder is left out, as Pants ignores it by `/t/data/`" in said
    assert "(.git/info/exclude:1). It holds 1 file. That line is not part of the repository" in said
    # The repository ignores the file, and a line of this machine brings it back.
    ignore(repo.root / ".gitignore", "*.bin\n")
    ignore(exclude, "!*.bin\n")
    said = package(repo)
    assert (
        "(t/data/w.bin): the file is packaged on this machine only: other machines ignore" in said
    )
    assert "by `*.bin` (.gitignore:1), and `!*.bin` (.git/info/exclude:1), which is not" in said
    repo.configure(toml="pants_ignore_use_gitignore = false")
    repo.pants("package", "::").assert_success()
    assert repo.dist("t/t/data/w.bin").exists()


def test_pointers_and_submodules(repo: Monorepo, tmp_path: Path) -> None:
    repo.truss("t")
    repo.write("t/data/w.bin", POINTER)
    repo.commit()
    said = package(repo)
    assert (
        "(t/data/w.bin): it is a Git LFS pointer, not the file itself. Run `git lfs pull`." in said
    )
    repo.write("t/data/w.bin", "the file")
    repo.pants("package", "::").assert_success()
    library = Monorepo(tmp_path / "library", tmp_path / "machine")
    library.write("code.py")
    library.commit()
    add = ["-c", "protocol.file.allow=always", "submodule", "--quiet", "add"]
    repo.git(*add, str(library.root), "t/packages/library")
    repo.pants("package", "::").assert_success()
    repo.git("submodule", "--quiet", "deinit", "--force", "t/packages/library")
    said = package(repo)
    assert "(t/packages/library): it is a submodule that is not checked out. Run `git sub" in said
    repo.write("t/config.yaml", "external_package_dirs: [../other]\n")
    repo.git(*add, str(library.root), "other")
    repo.git("submodule", "--quiet", "deinit", "--force", "other", "t/packages/library")
    said = package(repo)
    assert "means the folder other, which is a submodule that is not checked out" in said
