"""Which Pants the tests run: the one that they are installed beside or, by `TRUSS_TEST_PANTS`,
another, which Pants has packaged beside them."""

from __future__ import annotations

import atexit
import importlib.util
import os
import shlex
import shutil
import sys
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Dict, List

from support.tools import find_other_pants

INSTALLED = "2.17.1"
VERSION = os.environ.get("TRUSS_TEST_PANTS", INSTALLED)
COMMAND = (sys.executable, "-m", "pants")

# Of an option that Pants 2.17 needs.
_DEPRECATION = "DEPRECATED: Explicitly providing [python-infer].use_rust_parser"


def environment() -> Dict[str, str]:
    """Of a process that runs `COMMAND`: where the release is found, and what it takes for it to
    work in repositories that are made for another."""
    return {
        "PYTHONPATH": os.pathsep.join(_python_path()),
        "PANTS_PANTS_VERSION": VERSION,
        **({} if VERSION == INSTALLED else {"PANTS_IGNORE_WARNINGS": repr([_DEPRECATION])}),
    }


@lru_cache(maxsize=None)
def client() -> str:
    """What asks a daemon, which official launchers use too: it starts in a tenth of the time that
    `COMMAND` takes. Where no daemon is to be asked, it becomes `COMMAND` (`client_environment`)."""
    binary = _pants_package() / "bin/native_client"
    # Installed without the permission to run it.
    return _executable("client", binary.read_bytes())


@lru_cache(maxsize=None)
def client_environment() -> Dict[str, str]:
    command = " ".join(shlex.quote(argument) for argument in COMMAND)
    script = f'#!/bin/sh\nexec {command} "$@"\n'
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
