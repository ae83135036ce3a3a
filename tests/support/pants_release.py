"""Which Pants the tests run: the one that they are installed beside or, by `TRUSS_TEST_PANTS`,
another, which Pants has packaged beside them."""

from __future__ import annotations

import os
import sys
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


def _python_path() -> List[str]:
    if VERSION == INSTALLED:
        return [path for path in sys.path if path]
    return [str(path) for path in sorted(find_other_pants(VERSION).glob(".deps/*"))]
