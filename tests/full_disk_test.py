"""A disk that is full where Pants keeps what it reads and makes. (That of a server of the Remote
Execution API is in `remote_faults_test.py`.)"""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from support.monorepo import PYTHON_TOML, Monorepo

LARGE = bytes(range(256)) * 160_000
SPACE = len(LARGE) // 2


def limit() -> None:
    """No file can be larger. Python does not let the signal end the process: the write fails."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (SPACE, SPACE))


@pytest.mark.parametrize("output", ["directory", "tar"])
def test_nothing_is_packaged_and_the_next_run_is_right(output: str, tmp_path: Path) -> None:
    repo = Monorepo(tmp_path / "repo", tmp_path / "machine", daemon=False)
    repo.configure("pants.backend.python", toml=PYTHON_TOML.format(roots='"/"'))
    repo.truss("t")
    repo.write("t/data/large", LARGE)
    arguments = (f"--truss-gather-output-format={output}", "package", "t")
    error = repo.pants(*arguments, before=limit).assert_failure().stderr
    assert "File too large" in error and "t/data/large" in error
    assert not (repo.root / "dist").exists()
    repo.pants(*arguments).assert_success()
    made = repo.dist("t/t/data/large" if output == "directory" else "t/t.tar").read_bytes()
    assert made == LARGE if output == "directory" else LARGE in made
