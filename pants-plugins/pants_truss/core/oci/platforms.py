"""The platforms of images, and what Pex needs to install distributions for them."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Tuple

from packaging.tags import compatible_tags, cpython_tags

from pants_truss.core.errors import TrussError
from pants_truss.core.oci.documents import Platform
from pants_truss.core.requirement import marker_environments

DEFAULT_PLATFORM = "linux/amd64"

# Go's name of an architecture -> Python's.
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
# The glibc 2 minor version of Debian 11 and Ubuntu 20.04, the oldest base images to support.
OLDEST_GLIBC = 31
_OLD_NAMES = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}


def parse_platform(text: str) -> Platform:
    """Raises `TrussError` for a platform that no truss can be packaged for."""
    match = re.fullmatch(r"(\w+)/(\w+)(?:/(\w+))?", text, re.ASCII)
    if not match or match.group(1) != "linux" or match.group(2) not in _MACHINES:
        known = " or ".join(f"`linux/{name}`" for name in _MACHINES)
        raise TrussError(f"{text!r} is not a supported platform. Use {known}.")
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
    """Returns the content of Pex's `--complete-platform`: the matching wheel tags, best first, and
    the marker environment.

    `glibc` is the minor version of the newest glibc 2 that wheels may require. The result does not
    depend on this machine.
    """
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
    # glibc starts at 2.17 on aarch64, and wheel standards start at 2.5.
    oldest = 5 if architecture == "x86_64" else 17
    found = []
    for minor in range(newest, oldest - 1, -1):
        found.append(f"manylinux_2_{minor}_{architecture}")
        if minor in _OLD_NAMES:
            found.append(f"{_OLD_NAMES[minor]}_{architecture}")
    return [*found, f"linux_{architecture}"]
