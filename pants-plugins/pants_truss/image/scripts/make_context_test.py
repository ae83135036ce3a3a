"""Uses a stand-in distribution that writes a context like Truss."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Dict

SCRIPT = Path(__file__).resolve().parent / "make_context.py"

TRUSS_HANDLE = """\
import shutil
from pathlib import Path

class TrussHandle:
    def __init__(self, truss):
        self.truss = truss

    def docker_build_setup(self, context):
        shutil.copytree(self.truss, context)
        shutil.copytree(self.truss, context / "build_hash")
        for name in ("Dockerfile", "server/main.py", "server/__pycache__/x", "requirements.txt"):
            (context / name).parent.mkdir(parents=True, exist_ok=True)
            (context / name).write_text(name)
        (context / "config.yaml").write_text("rewritten: true\\n")
"""


def make(folder: Path, files: Dict[str, str]) -> Dict[str, str]:
    package = folder / "site/truss/truss_handle"
    package.mkdir(parents=True)
    (package / "truss_handle.py").write_text(TRUSS_HANDLE)
    for name, content in files.items():
        path = folder / "truss" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    subprocess.run(
        [sys.executable, str(SCRIPT), "truss", "context"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "site")},
        check=True,
    )
    context = folder / "context"
    return {
        path.relative_to(context).as_posix(): path.read_text(encoding="utf-8")
        for path in context.rglob("*")
        if path.is_file()
    }


ADDED = {name: name for name in ("Dockerfile", "server/main.py", "requirements.txt")}


def test_only_files_of_truss_remain(tmp_path: Path) -> None:
    files = {
        "config.yaml": "model_name: a\n",
        "model/model.py": "x = 1\n",
        "packages/ä/☃.py": "",
        "data/__pycache__/x": "",
    }
    assert make(tmp_path, files) == {**ADDED, "config.yaml": "rewritten: true\n"}
    # The truss stays unchanged.
    assert (tmp_path / "truss/model/model.py").read_text() == "x = 1\n"
    assert (tmp_path / "truss/config.yaml").read_text() == "model_name: a\n"


def test_an_unchanged_config_is_not_written_twice(tmp_path: Path) -> None:
    files = {"config.yaml": "rewritten: true\n", "Dockerfile": "of the truss"}
    found = make(tmp_path, files)
    # A file that Truss replaces is Truss's.
    assert found == ADDED
