"""Copies of this repository."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Iterable

_IGNORED = shutil.ignore_patterns("__pycache__", "*.tar", "*_unpacked")


def settings() -> str:
    """`pants.toml` of this repository, without the linter that newer releases of Pants call
    something else."""
    lines = Path("pants.toml").read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join(line for line in lines if "python.lint.ruff" not in line)


def copy_repository(folder: Path, names: Iterable[str]) -> Path:
    """Copies these files and folders, without what tests have left there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        if Path(name).is_dir():
            shutil.copytree(name, folder / name, ignore=_IGNORED, symlinks=True)
        else:
            shutil.copy(name, folder / name)
    return folder
