"""Chooses the plugin's lockfiles for this release of Pants.

A Pex lockfile names the pip that downloads the locked distributions. Python 3.12 and 3.13 need pip
24.1 or newer, and the Pex of Pants before 2.23 cannot read a lockfile that names such a pip. So
each lockfile exists twice: `X.lock`, and `X_pip24.lock`, which names pip 24.2 and is otherwise
equal.
"""

from __future__ import annotations

from typing import Optional, Tuple

from packaging.version import Version
from pants.version import PANTS_SEMVER

_NAMES_NEWER_PIP = PANTS_SEMVER >= Version("2.23.0.dev0")

# The pip that a lockfile names does not run on a newer Python. None means no such limit.
NEWEST_PYTHON_OF_LOCKFILES: Optional[Tuple[int, int]] = None if _NAMES_NEWER_PIP else (3, 11)


def shipped_lockfile(name: str) -> str:
    """Returns the file of the lockfile `name`, such as `truss_cli`, beside its module."""
    return f"{name}_pip24.lock" if _NAMES_NEWER_PIP else f"{name}.lock"
