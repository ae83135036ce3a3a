"""A worker executes the processes of this plugin, in a sandbox that has an interpreter and nothing
else of this machine."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path
from typing import Dict, List, Set, Tuple

import pytest

from support import images
from support.containers import prepared
from support.images import make
from support.monorepo import IMAGES, PYTHON_TOML, Monorepo, read_tree
from support.remote import (
    ExecutionServer,
    execution_options,
    free_address,
    python_folders,
    toml,
)

GOALS = (
    ("package", "src/a:image"),
    ("--truss-gather-output-format=tar", "package", "src/a:a"),
    ("lint", "--only=truss", "src/a:a"),
    ("test", "src/a:a"),
)

# How each kind of process is described, and what it is: Pex, Truss, the image tool, a model.
KINDS = (
    "Building truss_cli.pex",
    "Building truss_image_tool.pex",
    "Building truss_server.pex",
    "Fill in a config with Truss",
    "Get the model server from Truss",
    "Install truss_server.pex for linux/amd64",
    "Look for Python in images/base",
    "Make src.a/a.tar",
    "Make the layer 'model'",
    "Test src/a:a",
    "Validate a config with Truss",
    "Write a build context with Truss",
)


def configure(repo: Monorepo) -> Monorepo:
    settings = PYTHON_TOML.format(roots=images.ROOTS) + toml()
    return repo.log_work_units("pants.backend.python", IMAGES, toml=settings)


def run(repo: Monorepo) -> Tuple[List[str], List[str], Dict[str, str]]:
    """Returns the processes that ran on a worker, those that ran here, and the hash of each file."""
    units: List[Tuple[str, str]] = []
    for goal in GOALS:
        result, found = repo.pants_with_described_work_units(*goal)
        result.assert_success()
        units += found
    tree = read_tree(repo.root / "dist")
    return (
        [text for name, text in units if name == "run_remote_process"],
        [text for name, text in units if name == "run_local_process"],
        {
            path: hashlib.sha256(content).hexdigest()
            for path, (content, _) in tree.items()
            if not path.startswith("test/")
        },
    )


def test_each_kind_of_process_on_a_worker(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prepared()
    server = ExecutionServer(tmp_path / "server")
    server.mounts = python_folders()
    here = configure(make(tmp_path / "here", tmp_path / "machine-a"))
    there = configure(make(tmp_path / "there", tmp_path / "machine-b"))
    there.environment = execution_options(server.address)
    try:
        with server:
            remote, local, tree = run(there)
        _, _, expected = run(here)
    finally:
        here.stop_daemon()
        there.stop_daemon()
    executed: Set[str] = {kind for kind in KINDS for text in remote if text.startswith(kind)}
    with capsys.disabled():
        print("".join(f"\n{kind:45} {'worker' if kind in executed else '-'}" for kind in KINDS))
    assert executed == set(KINDS), remote
    assert local == []
    assert tree == expected


def test_an_executor_that_is_down(tmp_path: Path) -> None:
    """Clearly, and with nothing half written."""
    there = configure(make(tmp_path / "there", tmp_path / "machine"))
    there.environment = execution_options(free_address())
    try:
        error = there.pants("package", "src/a:image").assert_failure().stderr
    finally:
        there.stop_daemon()
    # As releases of Pants say it.
    said = ("Unavailable", "tcp connect error", "client error (Connect)")
    assert any(text in error for text in said), error
    assert not (there.root / "dist").exists()


def kill_midway(server: ExecutionServer) -> None:
    server.wait_until_it_executes()
    server.kill()


def test_an_executor_that_is_killed_midway(tmp_path: Path) -> None:
    """Unfinished work fails. The next run completes, with the executor back."""
    prepared()
    server = ExecutionServer(tmp_path / "server")
    server.mounts = python_folders()
    there = configure(make(tmp_path / "there", tmp_path / "machine"))
    there.environment = execution_options(server.address)
    goal = ("--truss-gather-output-format=tar", "package", "src/a:a")
    try:
        with server:
            killer = threading.Thread(target=kill_midway, args=(server,))
            killer.start()
            error = there.pants(*goal).assert_failure().stderr
            killer.join()
        assert "Traceback" not in error and not (there.root / "dist").exists()
        with server:
            there.pants(*goal).assert_success()
    finally:
        there.stop_daemon()
    assert there.dist("src.a/a.tar").is_file()
