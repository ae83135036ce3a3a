"""Imports scripts of the plugin's tools as they import each other: by their file names."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any, List


def import_scripts(names: List[str], *folders: Path) -> List[Any]:
    """The modules of these names. The scripts lie in `folders`; the rules place them beside each
    other."""
    paths = [str(folder) for folder in folders]
    sys.path[:0] = paths
    try:
        return [importlib.import_module(name) for name in names]
    finally:
        for path in paths:
            sys.path.remove(path)
