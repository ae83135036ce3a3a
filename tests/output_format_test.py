"""`output_format="tar"`: one file that holds what the directory would."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import tarfile
from pathlib import Path
from typing import Iterator

import pytest

from support.monorepo import PYTHON_TOML, Monorepo, read_tree

TAR = 'output_format="tar"'
# A name longer than a tar's header has room for, and one that is not ASCII.
LONG = "/".join(["a-long-name-of-a-folder"] * 12)
FILES = {
    "shared/kit/kit/__init__.py": "",
    "shared/kit/kit/Ärger.py": "A = 1\n",
    f"trusses/a/data/{LONG}/x.csv": "1,2\n",
    "trusses/a/data/empty": "",
}


def write(repo: Monorepo) -> None:
    repo.configure("pants.backend.python", toml=PYTHON_TOML.format(roots='"/shared", "/trusses/*"'))
    repo.package("shared/kit", {})
    repo.truss("trusses/a", "external_package_dirs: [../../shared/kit]\n")
    paths = list(FILES)
    random.shuffle(paths)
    for path in paths:
        repo.write(path, FILES[path])
    repo.write("trusses/a/data/run.sh", "#!/bin/sh\n", executable=True)


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monorepo]:
    base = tmp_path_factory.mktemp("formats")
    made = Monorepo(base / "repo", base / "machine")
    write(made)
    yield made
    made.stop_daemon()


def build(repo: Monorepo, fields: str) -> None:
    repo.write("trusses/a/BUILD", f"truss({fields})\n")


def unpacked(tar: Path, folder: Path) -> Path:
    folder.mkdir()
    subprocess.run(["tar", "-xf", tar, "-C", folder], check=True)
    return folder


def test_a_tar_holds_what_the_directory_would(repo: Monorepo, tmp_path: Path) -> None:
    build(repo, "")
    repo.pants("package", "trusses/a").assert_success()
    directory = read_tree(repo.dist("trusses.a/a"))
    manifest = repo.dist("trusses.a/a.truss-manifest.json").read_bytes()
    repo.dist("trusses.a/a.truss-manifest.json").unlink()
    assert f"data/{LONG}/x.csv" in directory and directory["data/run.sh"][1]
    build(repo, TAR)
    run = repo.pants("package", "trusses/a").assert_success()
    assert "Wrote dist/trusses.a/a.tar" in run.stderr
    tar = repo.dist("trusses.a/a.tar")
    assert read_tree(unpacked(tar, tmp_path / "truss")) == directory
    assert repo.dist("trusses.a/a.truss-manifest.json").read_bytes() == manifest


def test_the_option_is_for_targets_without_the_field(repo: Monorepo) -> None:
    repo.write("trusses/b/config.yaml", "")
    repo.write("trusses/b/BUILD", 'truss(output_format="directory")\n')
    repo.write("trusses/b/model/model.py", "class Model: pass\n")
    build(repo, 'output_path="given/path"')
    repo.pants("--truss-gather-output-format=tar", "package", "trusses::").assert_success()
    assert repo.dist("given/path.tar").is_file()
    assert repo.dist("trusses.b/b/config.yaml").is_file()
    assert not repo.dist("trusses.b/b.tar").exists()


def test_two_trusses_in_one_place(repo: Monorepo) -> None:
    repo.write("trusses/b/config.yaml", "")
    repo.write("trusses/b/model/model.py", "class Model: pass\n")
    repo.write("trusses/b/BUILD", 'truss(output_path="given/path.tar")\n')
    build(repo, f'{TAR}, output_path="given/path"')
    error = repo.pants("package", "trusses::").assert_failure().stderr
    assert "overlaps that of" in error and "given/path" in error


def test_other_machines_make_the_same_bytes(tmp_path: Path) -> None:
    """Fresh caches, another place, order, umask and time of the files."""
    digests, names = set(), []
    for name, umask in (("one", 0o022), ("two-with-a-longer-name", 0o077)):
        repo = Monorepo(
            tmp_path / name / "repo", tmp_path / name / "machine", daemon=False, fresh=True
        )
        write(repo)
        build(repo, TAR)
        if umask != 0o022:
            for path in repo.root.rglob("*"):
                os.utime(path, (1_500_000_000, 1_500_000_000))
            repo.environment["LC_ALL"] = "C"
        repo.pants("package", "trusses/a", umask=umask).assert_success()
        content = repo.dist("trusses.a/a.tar").read_bytes()
        digests.add(hashlib.sha256(content).hexdigest())
        with tarfile.open(repo.dist("trusses.a/a.tar")) as tar:
            members = tar.getmembers()
        names = [member.name for member in members]
        assert {(m.mtime, m.uid, m.gid, m.uname, m.gname) for m in members} == {(0, 0, 0, "", "")}
        assert {m.mode for m in members} == {0o644, 0o755}
    assert len(digests) == 1
    assert names == sorted(names, key=os.fsencode)


def test_a_large_truss_is_made_in_parts(tmp_path: Path) -> None:
    """After a change, Pants makes one part again, and the whole from the parts."""
    repo = Monorepo(tmp_path / "repo", tmp_path / "machine")
    repo.log_work_units("pants.backend.python", toml=PYTHON_TOML.format(roots='"/"'))
    repo.truss("t")
    repo.write("t/BUILD", f"truss({TAR})\n")
    for number in range(3000):
        repo.write(f"t/data/{number:04d}", f"{number}\n", executable=number % 500 == 0)
    # Pants links it into the sandbox, with the mode that it has in the store.
    repo.write("t/data/large", bytes(5_000_000))
    try:
        repo.pants("package", "t").assert_success()
        directory = {path: entry for path, entry in read_tree(repo.root / "t").items()}
        repo.write("t/data/1234", "changed\n")
        run, counts = repo.pants_with_work_units("package", "t")
        run.assert_success()
        assert counts["run_local_process"] == 2
        found = read_tree(unpacked(repo.dist("t/t.tar"), tmp_path / "truss"))
    finally:
        repo.stop_daemon()
    directory["data/1234"] = (b"changed\n", False)
    for own in ("BUILD", "config.yaml", ".truss_ignore"):
        directory.pop(own, None)
        found.pop(own, None)
    assert found == directory
