"""README's two commands, in a fresh clone on machines with nothing but git, Python and a pip that is
configured otherwise: nothing is cached, neither Pants nor what it installs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Dict, List

import pytest

from support.launcher import PYTHON
from support.literate import blocks
from support.pip_configuration import (
    OPTIONS,
    of_environment,
    of_machine,
    write_configuration,
)
from support.repository import copy_repository

CLONED = ("pants", "pants.toml", "BUILD", "README.md", "3rdparty", "pants-plugins", "src")
README = Path("README.md").resolve()


def commands() -> List[str]:
    """The commands of the section that promises that two are enough."""
    found = blocks(README)
    (start,) = (i for i, x in enumerate(found) if x.is_heading and x.body == "Two commands")
    lines = [line.partition("#")[0].strip() for line in found[start + 1].body.splitlines()]
    return [line for line in lines if line]


def environment(tmp_path: Path) -> Dict[str, str]:
    named = {
        name: os.environ[name] for name in ("PATH", "REQUESTS_CA_BUNDLE") if name in os.environ
    }
    home = os.environ["HOME"]
    return {
        **named,
        # Where the machine's interpreters are: `HOME` is another.
        "PYENV_ROOT": os.environ.get("PYENV_ROOT", os.path.join(home, ".pyenv")),
        "HOME": str(tmp_path / "home"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "PANTS_PYTHON": PYTHON,
    }


def clone(folder: Path) -> Path:
    copy_repository(folder, CLONED)
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    return folder


@pytest.mark.parametrize("place", ["machine", "user"])
def test_both(place: str, tmp_path: Path) -> None:
    if place == "machine" and sys.platform != "linux":
        pytest.skip("a machine's /etc is replaced in a mount namespace of Linux")
    assert len(commands()) == 2
    root = clone(tmp_path / "clone")
    configuration = write_configuration(tmp_path / "pip", *OPTIONS)
    variables = environment(tmp_path)
    if place == "user":
        variables.update(of_environment(configuration, tmp_path))
    for command in commands():
        # Without a daemon: it would outlive the test.
        words = ["bash", "-c", command]
        run = subprocess.run(
            of_machine(configuration, tmp_path, words) if place == "machine" else words,
            cwd=root,
            env={**variables, "PANTS_PANTSD": "false", "PANTS_CONCURRENT": "true"},
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert run.returncode == 0, f"{command}\n{run.stdout}\n{run.stderr}"
    assert (root / "dist/src.trusses.sentiment/sentiment/config.yaml").exists()
