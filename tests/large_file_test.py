"""Weights of gigabytes: read once, never held in memory, and not touched by an edit of code."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Iterator

import pytest

from support.monorepo import Monorepo
from support.processes import daemon_pids

SIZE = 400 * 2**20
# Bytes that a run may read and hold apart from the file, which is several times as large.
SLACK = 100 * 2**20


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Monorepo]:
    made = Monorepo(tmp_path / "repo", tmp_path / "machine").configure()
    made.truss("small")
    made.truss("t")
    yield made
    made.stop_daemon()


def daemon(repo: Monorepo) -> Path:
    (pid,) = daemon_pids(repo.root)
    return Path("/proc", str(pid))


def value(path: Path, name: str) -> int:
    (line,) = (line for line in path.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1])


def read_so_far(repo: Monorepo) -> int:
    """In bytes, by whatever system call."""
    return value(daemon(repo) / "io", "rchar")


def test_a_large_file_is_read_once_and_never_held(repo: Monorepo) -> None:
    repo.pants("package", "small").assert_success()
    before = value(daemon(repo) / "status", "VmHWM") * 1024
    with open(repo.root / "t/data.bin", "wb") as file:
        file.write(b"weights")
        file.truncate(SIZE)
    time.sleep(1)  # Let the daemon notice.
    read = read_so_far(repo)
    repo.pants("package", "t").assert_success()
    assert read_so_far(repo) - read > SIZE
    assert repo.dist("t/t/data.bin").stat().st_size == SIZE
    # Its peak: `SIZE` more if the file had been in memory at any time.
    assert value(daemon(repo) / "status", "VmHWM") * 1024 - before < SLACK
    # `truss-explain` gathers, and writes nothing to `dist/`, which Pants writes again in each run.
    repo.pants("truss-explain", "t").assert_success()
    explained = set()
    for edit in range(3):
        repo.write("t/model/model.py", f"class Model:\n    EDIT = {edit}\n")
        time.sleep(1)
        read = read_so_far(repo)
        run = repo.pants("truss-explain", "--format=json", "t").assert_success()
        assert read_so_far(repo) - read < SLACK
        explained.add(run.stdout)
    # Each edit was gathered.
    assert len(explained) == 3
