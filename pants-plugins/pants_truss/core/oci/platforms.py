"""The platforms that images are made for, and what Pex has to know to install for them."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Tuple

from packaging.tags import compatible_tags, cpython_tags

from pants_truss.core.errors import TrussError
from pants_truss.core.oci.documents import Platform
from pants_truss.core.requirement import marker_environments

DEFAULT_PLATFORM = "linux/amd64"

# By Go's name of an architecture, that of Python.
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
# Debian 11's and that of Ubuntu 20.04: what a base image can be taken to have at least.
OLDEST_GLIBC = 31
_OLD_NAMES = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}


def parse_platform(text: str) -> Platform:
    """Raises `TrussError` for one that no truss can be packaged for."""
    match = re.fullmatch(r"(\w+)/(\w+)(?:/(\w+))?", text, re.ASCII)
    if not match or match.group(1) != "linux" or match.group(2) not in _MACHINES:
        known = " and ".join(f"`linux/{name}`" for name in _MACHINES)
        raise TrussError(f"{text!r} is not a platform that images are made for: {known} are.")
    return Platform(match.group(1), match.group(2), match.group(3) or "")


def machine(platform: Platform) -> str:
    """The architecture as Python names it: `x86_64` or `aarch64`."""
    return _MACHINES[platform.architecture]


def pants_machine(platform: Platform) -> str:
    """The architecture as Pants names it: `x86_64` or `arm64`."""
    return "arm64" if platform.architecture == "arm64" else machine(platform)


def complete_platform(
    python: Tuple[int, int], platform: Platform, glibc: int = OLDEST_GLIBC
) -> Dict[str, Any]:
    """What Pex takes as `--complete-platform`: which wheels fit, best first, and the environment of
    markers. `glibc` is the minor version of the newest glibc 2 that they may ask for. Nothing is of
    the machine that this runs on."""
    platforms = _wheel_platforms(machine(platform), glibc)
    tags = [
        *cpython_tags(python, platforms=platforms),
        *compatible_tags(python, interpreter=f"cp{python[0]}{python[1]}", platforms=platforms),
    ]
    return {
        "marker_environment": {
            **marker_environments(f"{python[0]}.{python[1]}")[0],
            "platform_machine": machine(platform),
        },
        "compatible_tags": [str(tag) for tag in tags],
    }


def _wheel_platforms(architecture: str, newest: int) -> List[str]:
    # There is no glibc below 2.17 for aarch64, and none below 2.5 in any standard.
    oldest = 5 if architecture == "x86_64" else 17
    found = []
    for minor in range(newest, oldest - 1, -1):
        found.append(f"manylinux_2_{minor}_{architecture}")
        if minor in _OLD_NAMES:
            found.append(f"{_OLD_NAMES[minor]}_{architecture}")
    return [*found, f"linux_{architecture}"]
