"""The `./pants` script on machines with and without what it needs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Dict

import pytest

PYTHON = os.path.realpath(sys.executable)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    folder = tmp_path / "clone"
    folder.mkdir()
    shutil.copy("pants", folder)
    (folder / "pants.toml").write_text(
        '[GLOBAL]\npants_version = "2.17.1"\n[anonymous-telemetry]\nenabled = false\n'
    )
    return folder


def run(clone: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    # No `python3.9` on PATH, none of pyenv's below HOME, no uv.
    tools = clone.parent / "bin"
    tools.mkdir(exist_ok=True)
    for name in (
        "bash",
        "dirname",
        "env",
        "flock",
        "head",
        "mkdir",
        "rm",
        "sed",
        "touch",
        "tr",
        "wc",
    ):
        path = shutil.which(name)
        if path and not (tools / name).exists():
            (tools / name).symlink_to(path)
    variables: Dict[str, str] = {"PATH": str(tools), "HOME": str(clone.parent / "home")}
    return subprocess.run(
        [str(clone / "pants"), "--no-pantsd", "--version"],
        env={**variables, **environment},
        cwd=clone.parent,
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_one_line_when_there_is_no_python(clone: Path) -> None:
    result = run(clone)
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert "runs on CPython 3.9 and none was found: install one" in line
    assert "or set PANTS_PYTHON to its path" in line


@pytest.mark.parametrize("python", ["/nonexistent/python3.9", "/bin/sh"])
def test_one_line_when_the_named_python_is_no_python39(clone: Path, python: str) -> None:
    result = run(clone, PANTS_PYTHON=python)
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert f"PANTS_PYTHON={python} is not a CPython 3.9" in line


def test_bootstraps_into_an_empty_cache_once(clone: Path) -> None:
    cache = clone.parent / "cache"
    path = os.pathsep.join([str(clone.parent / "bin"), "/usr/bin", "/bin"])
    environment = {"PANTS_PYTHON": PYTHON, "XDG_CACHE_HOME": str(cache), "PATH": path}
    before = (clone / "pants.toml").read_text()
    first = run(clone, **environment)
    assert first.returncode == 0, first.stderr
    assert first.stdout.strip() == "2.17.1"
    assert "installing Pants 2.17.1" in first.stderr
    second = run(clone, **{**environment, "PANTS_PYTHON": "/not/asked/again"})
    assert second.stdout.strip() == "2.17.1"
    assert "installing" not in second.stderr
    # What the script makes is in its own folder: the official launcher sees an untouched file.
    assert (clone / "pants.toml").read_text() == before
    exports = (cache / "pants-from-index/2.17.1/env").read_text()
    assert f"file://{cache}/pants-from-index/2.17.1/pex" in exports
