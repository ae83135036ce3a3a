"""How the Python of an image comes to find what the image has of third parties.

`uv pip install --system`, which Truss's Dockerfile runs, would replace what the base has installed;
a layer cannot. So the distributions lie in folders of their own, which come before the base's in
`sys.path`, for every way of starting Python: no variable of the environment is needed.
"""

from __future__ import annotations

from typing import Dict

REQUIREMENTS = "opt/truss/requirements"
SERVER_REQUIREMENTS = "opt/truss/server"
ROOT = "opt/truss"

_MODULE = "_truss_image"
_CONTENT = f'''\
"""Puts the distributions of this image before those of its base."""

import os
import site
import sys

FOLDERS = ["/{REQUIREMENTS}", "/{SERVER_REQUIREMENTS}"]


def add(folders):
    before = list(sys.path)
    for folder in folders:
        if os.path.isdir(folder):
            # Theirs may have `.pth` files, too.
            site.addsitedir(folder)
    added = [path for path in sys.path if path not in before]
    place = next((i for i, p in enumerate(before) if p.endswith("-packages")), len(before))
    sys.path[:] = before[:place] + added + before[place:]


add(FOLDERS)
'''


def site_files(site: str) -> Dict[str, bytes]:
    """By path in the image. `site` is the folder whose `.pth` files its Python reads first."""
    return {
        f"{site}/{_MODULE}.pth": f"import {_MODULE}\n".encode(),
        f"{site}/{_MODULE}.py": _CONTENT.encode(),
    }


_BYTE_CODE = "__pycache__/"


def is_byte_code(path: str) -> bool:
    return _BYTE_CODE in path


def record_without_byte_code(content: bytes) -> bytes:
    """A wheel's list of files, without byte code: what Pex installs comes from a cache of this
    machine, which has some as soon as a Python has imported from there, and lists it here."""
    lines = content.splitlines(keepends=True)
    return b"".join(line for line in lines if _BYTE_CODE.encode() not in line)


def script_for_image(content: bytes) -> bytes:
    """A console script as Pex leaves it names no interpreter that could be found."""
    shebang = b"#!python"
    if content.startswith((shebang + b"\n", shebang + b" ")):
        return b"#!/usr/bin/env python3" + content[len(shebang) :]
    return content
