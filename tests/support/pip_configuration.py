"""Configurations of pip as some machines have them: each would change what is installed."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Dict, List

CONSTRAINT = "constraint"
INDEX = "index-url"
LINKS = "find-links"
CERTIFICATES = "cert"
OPTIONS = (CONSTRAINT, INDEX, LINKS, CERTIFICATES)

# What the lockfiles and Pants pin otherwise. The wheel of this release is in `LINKS`.
_PINNED = ("pyyaml", "packaging", "six", "typing-extensions")
_VERSION = "999.0"


def write_configuration(folder: Path, *options: str) -> Path:
    """A configuration file with these of `OPTIONS`, and what it names beside it."""
    folder.mkdir(parents=True)
    constraints = folder / "constraints.txt"
    constraints.write_text("".join(f"{name}=={_VERSION}\n" for name in _PINNED))
    for name in _PINNED:
        _write_wheel(folder / "wheels", name.replace("-", "_"))
    values = {
        CONSTRAINT: str(constraints),
        # Nothing listens there.
        INDEX: "http://127.0.0.1:9/simple",
        LINKS: str(folder / "wheels"),
        CERTIFICATES: str(folder / "gone.pem"),
    }
    lines = ["[global]", *(f"{option} = {values[option]}" for option in options)]
    file = folder / "pip.conf"
    file.write_text("\n".join(lines) + "\n")
    return file


def _write_wheel(folder: Path, name: str) -> None:
    folder.mkdir(exist_ok=True)
    info = f"{name}-{_VERSION}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{_VERSION}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}.py", "raise RuntimeError('taken from find-links')\n")
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {_VERSION}\n"
        wheel.writestr(f"{info}/METADATA", metadata)
        tags = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        wheel.writestr(f"{info}/WHEEL", tags)
        wheel.writestr(f"{info}/RECORD", "")


def of_environment(file: Path, folder: Path) -> Dict[str, str]:
    """Variables by which pip finds the configuration as the system's, as the user's (in a `HOME`
    below `folder`) and as the one that is named; and an option by itself."""
    places = (folder / "xdg/pip/pip.conf", folder / "home/.config/pip/pip.conf")
    for place in places:
        place.parent.mkdir(parents=True)
        place.write_text(file.read_text())
    return {
        "XDG_CONFIG_DIRS": str(folder / "xdg"),
        "HOME": str(folder / "home"),
        "PIP_CONFIG_FILE": str(file),
        "PIP_CONSTRAINT": str(file.with_name("constraints.txt")),
    }


def of_machine(file: Path, folder: Path, command: List[str]) -> List[str]:
    """A command that runs `command` on a machine whose `/etc` has the configuration in both places
    where pip looks: in a mount namespace (Linux, as root or where users may have such)."""
    for place in ("pip.conf", "xdg/pip/pip.conf"):
        planted = folder / "etc" / place
        planted.parent.mkdir(parents=True, exist_ok=True)
        planted.write_text(file.read_text())
    mount = f'mount -t overlay overlay -o "lowerdir={folder / "etc"}:/etc" /etc && exec "$@"'
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    return ["unshare", "--mount", *user, "sh", "-c", mount, "sh", *command]
