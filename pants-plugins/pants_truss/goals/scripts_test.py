"""Tests that the scripts of each goal are complete."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

from pants_truss.goals import run, test, train
from pants_truss.script_tool.launch import Scripts

SCRIPTS = {"run": run.SCRIPTS, "test": test.SCRIPTS, "train": train.SCRIPTS}


@pytest.mark.parametrize("scripts", SCRIPTS.values(), ids=SCRIPTS)
def test_a_script_finds_its_imports(scripts: Scripts, tmp_path: Path) -> None:
    """Before it enters the environment, a script can import only its own helpers."""
    for package, name in scripts:
        (tmp_path / name).write_bytes(pkgutil.get_data(package, name) or b"")
    code = "import sys; sys.path.insert(0, sys.argv[1]); __import__(sys.argv[2])"
    name = scripts[0][1][: -len(".py")]
    subprocess.run([sys.executable, "-I", "-S", "-c", code, str(tmp_path), name], check=True)
