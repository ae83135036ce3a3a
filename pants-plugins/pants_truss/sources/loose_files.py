"""The files beside modules, whether Pants sees them or not."""

from __future__ import annotations

import os
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Iterable, List, Optional, Tuple

from pants.base.build_environment import get_buildroot
from pants.engine.internals.session import RunId
from pants.engine.rules import collect_rules
from pants.option.global_options import GlobalOptions

from pants_truss.core.paths import join
from pants_truss.core.truss_ignore import LITTER
from pants_truss.pants_api import implicitly, rule
from pants_truss.sources.workspace_ignore import (
    IgnoreLine,
    WorkspaceIgnore,
    WorkspaceIgnoreRequest,
    read_workspace_ignore,
)

# Folders deeper than this, or beyond so many files, are not looked into.
_MAX_FILES = 5_000


@dataclass(frozen=True)
class LooseFilesRequest:
    """`folder` is relative to the build root; `depth` counts the levels of folders below it."""

    folder: str
    depth: int = 1


@dataclass(frozen=True)
class LooseFile:
    """`path` is relative to the build root; `ignored_by` is the line by which Pants ignores it. A
    file `has_own_code` if it lies in a folder below, beside Python code."""

    path: str
    ignored_by: Optional[IgnoreLine] = None
    has_own_code: bool = False


@dataclass(frozen=True)
class LooseFiles:
    """The files in a folder and in the folders below it: code, BUILD files and litter apart."""

    files: Tuple[LooseFile, ...]


@rule
async def find_loose_files(
    request: LooseFilesRequest, global_options: GlobalOptions, run_id: RunId
) -> LooseFiles:
    ignore = await read_workspace_ignore(WorkspaceIgnoreRequest(), **implicitly())
    scan = _Scan(ignore, tuple(global_options.build_patterns))
    level: List[Tuple[str, Optional[IgnoreLine]]] = [(request.folder, None)]
    for depth in range(request.depth + 1):
        level = [below for folder, line in level for below in scan.read(folder, line, depth > 0)]
    return LooseFiles(tuple(sorted(scan.files, key=lambda file: file.path)))


class _Scan:
    """Reads folders level by level, so that those nearest to the modules come first."""

    def __init__(self, ignore: WorkspaceIgnore, build_patterns: Tuple[str, ...]) -> None:
        self.files: List[LooseFile] = []
        self._ignore, self._build_patterns = ignore, build_patterns

    def read(
        self, folder: str, ignored_by: Optional[IgnoreLine], is_below: bool
    ) -> List[Tuple[str, Optional[IgnoreLine]]]:
        """The folders in `folder`, each with the line by which Pants ignores it."""
        try:
            with os.scandir(os.path.join(get_buildroot(), folder)) as scanned:
                entries = list(scanned) if len(self.files) < _MAX_FILES else []
        except OSError:
            return []
        folders = []
        has_own_code = is_below and any(entry.name.endswith(".py") for entry in entries)
        for entry in entries:
            is_dir = entry.is_dir()
            if not _is_utf8(entry.name) or LITTER.ignoring_line(entry.name, is_dir=is_dir):
                continue
            path = join(folder, entry.name)
            line = ignored_by or self._ignore.ignoring_line(path, is_dir=is_dir)
            if not is_dir:
                if self._is_loose(entry):
                    self.files.append(LooseFile(path, line, has_own_code))
            elif not (entry.name.startswith(".") or entry.is_symlink() and is_below):
                folders.append((path, line))
        return folders

    def _is_loose(self, entry: "os.DirEntry[str]") -> bool:
        return (
            not entry.name.endswith((".py", ".pyi"))
            and entry.is_file()
            and not any(fnmatchcase(entry.name, pattern) for pattern in self._build_patterns)
        )


def _is_utf8(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def rules() -> Iterable[object]:
    return collect_rules()
