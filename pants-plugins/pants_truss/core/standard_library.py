"""Top-level modules of Python's standard library."""

from __future__ import annotations

import os
import sys
import sysconfig
from functools import lru_cache
from typing import FrozenSet


def is_standard(name: str) -> bool:
    """Returns True for a top-level module of the standard library of the Python that runs this."""
    return name in _names()


@lru_cache(maxsize=None)
def _names() -> FrozenSet[str]:
    names = getattr(sys, "stdlib_module_names", None)
    if names:
        return frozenset(names)
    # Before Python 3.10: the files, and the modules that are compiled into Python.
    folder = sysconfig.get_path("stdlib")
    found = set(sys.builtin_module_names)
    for each in (folder, os.path.join(folder, "lib-dynload")):
        if os.path.isdir(each):
            found |= {name.partition(".")[0] for name in os.listdir(each)}
    return frozenset(found - {"site-packages", "lib-dynload"})
