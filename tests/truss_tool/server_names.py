"""Which module names the model server of a Truss release has, read from wheels.

Nothing is installed: pip resolves the server's requirements, and the names are those of the files
in the wheels.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, Dict, Iterable, List, Set

# One before and one after each change of the names in /app, and the newest.
RELEASES = ("0.9.100", "0.14.1", "0.18.17", "0.18.18", "0.18.35")
PYTHONS = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")

_SERVER = "truss/templates/server/"
_SUFFIXES = (".py", ".so", ".pyd")


def server_names(release: str) -> Dict[str, Any]:
    """`app`: modules beside the server; `site`: of its distributions, by Python version, `any` for
    those that all have. A dotted name is a module in a namespace package."""
    with zipfile.ZipFile(_wheel("truss", release)) as wheel:
        names = wheel.namelist()
        requirements = wheel.read(f"{_SERVER}requirements.txt").decode()
        builder = "truss/contexts/image_builder/serving_image_builder.py"
        shared = b"_truss_shared" in wheel.read(builder)
    server = [name[len(_SERVER) :] for name in names if name.startswith(_SERVER)]
    app = _modules([name for name in server if name != "__init__.py"])
    app.add("_truss_shared" if shared else "shared")
    return {"app": sorted(app), "site": _by_python(lambda p: _site_names(requirements, p))}


def stdlib_names() -> Dict[str, List[str]]:
    with zipfile.ZipFile(_wheel("stdlib-list", "0.12.0")) as wheel:

        def names(python: str) -> Set[str]:
            text = wheel.read(f"stdlib_list/lists/{python}.txt").decode()
            return {name for name in text.split() if "." not in name}

        return _by_python(names)


def _by_python(names: Any) -> Dict[str, List[str]]:
    found: Dict[str, Set[str]] = {python: names(python) for python in PYTHONS}
    common = set.intersection(*found.values())
    table = {python: sorted(all_names - common) for python, all_names in found.items()}
    return {"any": sorted(common), **table}


def _site_names(requirements: str, python: str) -> Set[str]:
    lines = [line.partition("#")[0].strip() for line in requirements.splitlines()]
    wanted = [line for line in lines if line and not line.startswith("-")]
    try:
        resolved = _resolve(wanted, python)
    except subprocess.CalledProcessError:
        # No wheels of the pinned versions for so new a Python: names do not change with them.
        resolved = _resolve([re.split(r"[<>=~! ]", line)[0] for line in wanted], python)
    found: Set[str] = set()
    for name, version in sorted(resolved.items()):
        with zipfile.ZipFile(_wheel(name, version, python)) as wheel:
            found |= _modules(wheel.namelist())
    return found


def _resolve(requirements: Iterable[str], python: str) -> Dict[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        output = _pip(
            "install",
            *("--dry-run", "--ignore-installed", "--report", "-", "--quiet", "--target", folder),
            *_platform(python),
            *requirements,
        )
    items = json.loads(output)["install"]
    return {item["metadata"]["name"]: item["metadata"]["version"] for item in items}


def _platform(python: str) -> List[str]:
    tags = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
    platforms = [f"--platform={tag}" for tag in tags]
    return ["--only-binary=:all:", f"--python-version={python}", *platforms]


def _modules(paths: Iterable[str]) -> Set[str]:
    """The modules of an installed tree: `a` of `a/__init__.py` and `a.py`, `a.b` of `a/b.py` where
    `a` is a namespace package."""
    files = [PurePosixPath(path) for path in paths if path.endswith(_SUFFIXES)]
    regular = {file.parent for file in files if file.name.partition(".")[0] == "__init__"}
    found = set()
    for file in files:
        if not all(part.isidentifier() for part in file.parent.parts):
            continue
        package = next((p for p in reversed(file.parents) if p in regular), None)
        module = package or file.with_name(file.name.partition(".")[0])
        found.add(".".join(module.parts))
    return found


@lru_cache(maxsize=None)
def _wheel(name: str, version: str, python: str = "3.11") -> Path:
    folder = _downloads() / f"{name}-{version}"
    if not list(folder.glob("*.whl")):
        wanted = f"{name}=={version}"
        _pip(
            *("download", "--no-deps", "--ignore-requires-python", "--quiet", f"--dest={folder}"),
            *_platform(python),
            wanted,
        )
    return next(folder.glob("*.whl"))


@lru_cache(maxsize=None)
def _downloads() -> Path:
    return Path(tempfile.mkdtemp(prefix="wheels-"))


def _pip(*arguments: str) -> str:
    # Not that of a virtual environment, which may have no pip.
    python = Path(sys.base_prefix, "bin", "python3")
    process = subprocess.run(
        [str(python), "-m", "pip", "--isolated", *arguments],
        # How this machine's pip is configured is not to change the tables.
        env={**os.environ, "PIP_CONFIG_FILE": os.devnull},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return process.stdout
