"""Uses a stand-in distribution with the layout of Truss."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Dict, List

import pytest

SCRIPT = Path(__file__).resolve().parent / "export_server.py"
SERVER = "truss/templates/server"


def export(folder: Path, files: Dict[str, str]) -> Dict[str, str]:
    for name, content in files.items():
        path = folder / "site" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    subprocess.run(
        [sys.executable, str(SCRIPT), "server"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "site")},
        check=True,
    )
    exported = folder / "server"
    return {
        path.relative_to(exported).as_posix(): path.read_text()
        for path in exported.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize(
    "imports, shared",
    [
        ("from shared.util import x", "shared"),
        # The name since Truss 0.18.18.
        ("from _truss_shared.util import x", "_truss_shared"),
    ],
)
def test_shared_code_gets_the_name_that_the_server_imports(
    tmp_path: Path, imports: str, shared: str
) -> None:
    files = {
        # Truss is located without an import.
        "truss/__init__.py": "raise SystemExit('imported')\n",
        f"{SERVER}/truss_server.py": imports,
        f"{SERVER}/common/__init__.py": "",
        f"{SERVER}/requirements.txt": "uvicorn\n",
        "truss/templates/shared/util.py": "x = 1\n",
        "truss/templates/other/x.py": "",
    }
    assert export(tmp_path, files) == {
        "truss_server.py": imports,
        "common/__init__.py": "",
        "requirements.txt": "uvicorn\n",
        f"{shared}/util.py": "x = 1\n",
    }


LITTER: List[str] = [
    f"{SERVER}/__pycache__/truss_server.cpython-39.pyc",
    f"{SERVER}/common/__pycache__/x.txt",
    f"{SERVER}/left.pyc",
    "truss/templates/shared/__pycache__/util.cpython-39.pyc",
]


def test_compiled_files_are_not_copied(tmp_path: Path) -> None:
    files = {
        "truss/__init__.py": "",
        f"{SERVER}/truss_server.py": "",
        f"{SERVER}/pycache.py": "",
        "truss/templates/shared/util.py": "",
        **{name: "litter" for name in LITTER},
    }
    assert sorted(export(tmp_path, files)) == ["pycache.py", "shared/util.py", "truss_server.py"]
