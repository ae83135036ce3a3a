"""Which Pants the tests run:

* without more, the one that they are installed beside;
* by `TRUSS_TEST_PANTS=VERSION`, that release: packaged beside them if it is on the package index,
  or else run by the official launcher, the `pants` on PATH;
* by `TRUSS_TEST_PANTS_COMMAND=PATH`, an executable of any release, which is asked for its version.
"""

from __future__ import annotations

import atexit
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Dict, List, Tuple

from packaging.version import Version

from support.tools import find_other_pants

INSTALLED = "2.17.1"

# The beginning of a warning about an option that Pants 2.17 needs.
_DEPRECATION = "DEPRECATED: Explicitly providing [python-infer].use_rust_parser"


def _named_command() -> str:
    """An executable that is not of the package index, or nothing."""
    named = os.environ.get("TRUSS_TEST_PANTS_COMMAND", "")
    if named:
        assert os.access(named, os.X_OK), f"TRUSS_TEST_PANTS_COMMAND={named}: no executable file"
        return os.path.abspath(named)
    wanted = os.environ.get("TRUSS_TEST_PANTS", INSTALLED)
    if wanted == INSTALLED or find_other_pants(wanted).exists():
        return ""
    launcher = shutil.which("pants")
    assert launcher, (
        f"TRUSS_TEST_PANTS={wanted} is not on the package index, and no official `pants` launcher "
        "is on PATH. Install it, or set TRUSS_TEST_PANTS_COMMAND to a `pants` of that release."
    )
    return launcher


def _version() -> str:
    named = os.environ.get("TRUSS_TEST_PANTS")
    if named or not NAMED_COMMAND:
        return named or INSTALLED
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "pants.toml").touch()
        environment = {**os.environ, "NO_SCIE_WARNING": "1", "PANTS_PANTSD": "false"}
        environment.pop("PYTHONPATH", None)
        answer = subprocess.check_output(
            [NAMED_COMMAND, "--version"], cwd=folder, env=environment, text=True
        )
    return answer.split()[-1]


def is_at_least(version: str) -> bool:
    """Returns True if the tests run on this release or a later one."""
    return Version(VERSION) >= Version(version)


NAMED_COMMAND = _named_command()
VERSION = _version()
# What runs it without asking a daemon first.
COMMAND: Tuple[str, ...] = (NAMED_COMMAND,) if NAMED_COMMAND else (sys.executable, "-m", "pants")


def environment() -> Dict[str, str]:
    """The environment of a process that runs `COMMAND`. Its variables say where the release is, and
    make it work in repositories that are made for another release."""
    return {
        **({} if NAMED_COMMAND else {"PYTHONPATH": os.pathsep.join(_python_path()), **_pex()}),
        "PANTS_PANTS_VERSION": VERSION,
        # The official launcher's name for the same.
        "PANTS_VERSION": VERSION,
        **({} if VERSION == INSTALLED else {"PANTS_IGNORE_WARNINGS": repr([_DEPRECATION])}),
    }


def _pex() -> Dict[str, str]:
    """Where Pants has its Pex from. Another Pants needs another, and finds it by itself."""
    return {name: value for name, value in os.environ.items() if name.startswith("PANTS_PEX_CLI_")}


@lru_cache(maxsize=None)
def client() -> str:
    """What asks a daemon. Official launchers do so by Pants' native client, which starts in a tenth
    of the time that a Python takes. Where no daemon is to be asked, it becomes `COMMAND`
    (`client_environment`)."""
    if NAMED_COMMAND:
        return NAMED_COMMAND
    binary = _pants_package() / "bin/native_client"
    # Installed without the permission to run it.
    return _executable("client", binary.read_bytes())


@lru_cache(maxsize=None)
def client_environment() -> Dict[str, str]:
    if NAMED_COMMAND:
        return {}
    script = f'#!/bin/sh\nexec {shlex.join(COMMAND)} "$@"\n'
    return {"_PANTS_SERVER_EXE": _executable("pants", script.encode())}


def _executable(name: str, content: bytes) -> str:
    folder = tempfile.mkdtemp(prefix="pants-client-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder, name)
    path.write_bytes(content)
    path.chmod(0o755)
    return str(path)


def _pants_package() -> Path:
    if VERSION == INSTALLED:
        spec = importlib.util.find_spec("pants")
        assert spec is not None and spec.origin is not None
        return Path(spec.origin).parent
    (package,) = find_other_pants(VERSION).glob(".deps/pantsbuild.pants-*/pants")
    return package


def _python_path() -> List[str]:
    if VERSION == INSTALLED:
        return [path for path in sys.path if path]
    return [str(path) for path in sorted(find_other_pants(VERSION).glob(".deps/*"))]


def put_on_path(folder: Path) -> Path:
    """A new folder with Pants in it, by its name."""
    folder.mkdir()
    command = folder / "pants"
    command.write_text(f'#!/bin/sh\nexec {shlex.join(COMMAND)} "$@"\n')
    command.chmod(0o755)
    return folder
