"""Stand-ins for programs such as skopeo and Docker, in a folder of the test."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Dict, Mapping

# skopeo's options for signatures on this machine, with the home folder of its user.
_POLICY = ".config/containers/policy.json"
_HAS_POLICY = any(
    path.exists() for path in (Path.home() / _POLICY, Path("/etc/containers/policy.json"))
)
ANY_SIGNATURE = () if _HAS_POLICY else ("--insecure-policy",)

# Otherwise Pants would notice the new files later and rerun rules that are running.
BOOTSTRAP = ["--no-pantsd", "--no-watch-filesystem"]


def write_program(path: Path, code: str) -> None:
    """Writes a stand-in for a tool. A shell starts it, because the path of a Python may be too long
    for a `#!` line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    script = path.with_suffix(".py")
    script.write_text(code)
    words = " ".join(map(shlex.quote, (sys.executable, "-I", str(script))))
    path.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    path.chmod(0o755)


# Variables that shells, Python and Pants set themselves.
_OF_SURROUNDINGS = {"LC_CTYPE", "OLDPWD", "PATH", "PWD", "SHLVL", "_"}


def given_environment(found: Mapping[str, str]) -> Dict[str, str]:
    return {name: value for name, value in found.items() if name not in _OF_SURROUNDINGS}
