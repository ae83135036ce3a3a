"""Which of the plugin's lockfiles are for this release of Pants.

A lockfile of Pex names the pip that downloads what it locks. Python 3.12 and 3.13 need pip 24.1 or
newer, and no lockfile that names one can be read by the Pex of Pants before 2.23. So each lockfile
is there twice: `X.lock`, and `X_pip24.lock` that names pip 24.2 and is the same otherwise.
"""

from __future__ import annotations

from typing import Optional, Tuple

from packaging.version import Version
from pants.version import PANTS_SEMVER

_NAMES_NEWER_PIP = PANTS_SEMVER >= Version("2.23.0.dev0")

# Above it, the pip that a lockfile names does not run. None: on all that the lockfiles are for.
NEWEST_PYTHON_OF_LOCKFILES: Optional[Tuple[int, int]] = None if _NAMES_NEWER_PIP else (3, 11)


def shipped_lockfile(name: str) -> str:
    """The file of the lockfile `name`, such as `truss_cli`, beside the module that uses it."""
    return f"{name}_pip24.lock" if _NAMES_NEWER_PIP else f"{name}.lock"
