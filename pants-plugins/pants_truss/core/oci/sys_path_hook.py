"""Makes the Python of an image find the third-party distributions of the image.

`uv pip install --system`, which Truss's Dockerfile runs, replaces distributions that the base has
installed; a layer cannot do that. So the distributions lie in folders of their own, which precede
the base's in `sys.path` however Python starts; no environment variable is needed.
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
    """Returns content by path in the image. Its Python reads the `.pth` files of `site` first."""
    return {
        f"{site}/{_MODULE}.pth": f"import {_MODULE}\n".encode(),
        f"{site}/{_MODULE}.py": _CONTENT.encode(),
    }


_BYTE_CODE = "__pycache__/"


def is_byte_code(path: str) -> bool:
    return _BYTE_CODE in path


def record_without_byte_code(content: bytes) -> bytes:
    """Removes byte code from a wheel's list of files.

    Pex installs from a cache on this machine. That cache holds byte code, and lists it in this
    file, as soon as a Python has imported from it.
    """
    lines = content.splitlines(keepends=True)
    return b"".join(line for line in lines if _BYTE_CODE.encode() not in line)


def script_for_image(content: bytes) -> bytes:
    """Sets the interpreter of a console script: Pex leaves one that does not exist in the image."""
    shebang = b"#!python"
    if content.startswith((shebang + b"\n", shebang + b" ")):
        return b"#!/usr/bin/env python3" + content[len(shebang) :]
    return content
