"""Copies the installed Truss's model server to a folder, as in an image. Runs inside the tool.

    export_server.py server
"""

import importlib.util
import shutil
import sys
from pathlib import Path
from typing import Any, List

LITTER = shutil.ignore_patterns("__pycache__", "*.pyc")


def find_truss() -> Path:
    spec = importlib.util.find_spec("truss")
    folders: List[Any] = list(spec.submodule_search_locations or []) if spec else []
    return Path(folders[0])


def shared_name(server: Path) -> str:
    """Returns the name by which the server imports the code it shares. Truss 0.18.18 renamed that
    code, but only in the image."""
    text = (server / "truss_server.py").read_text(encoding="utf-8")
    return "_truss_shared" if "_truss_shared" in text else "shared"


def export(destination: Path) -> None:
    templates = find_truss() / "templates"
    server = templates / "server"
    shutil.copytree(server, destination, ignore=LITTER)
    shutil.copytree(templates / "shared", destination / shared_name(server), ignore=LITTER)


if __name__ == "__main__":
    export(Path(sys.argv[1]))
