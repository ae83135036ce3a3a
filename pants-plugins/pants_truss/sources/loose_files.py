"""The files beside modules, whether Pants sees them or not."""

from __future__ import annotations

import os
import posixpath
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Iterable, List, NamedTuple, Optional, Tuple

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
    """`path` is relative to the build root; `ignored_by` is the line by which Pants ignores
    `ignored`, the file or a folder around it. A file `has_own_code` if it lies in a folder below,
    beside Python code."""

    path: str
    ignored_by: Optional[IgnoreLine] = None
    ignored: str = ""
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
    level = [scan.folder(request.folder)]
    for depth in range(request.depth + 1):
        level = [below for folder in level for below in scan.read(folder, depth > 0)]
    return LooseFiles(tuple(sorted(scan.files, key=lambda file: file.path)))


class _Folder(NamedTuple):
    """`ignored` is the topmost folder that Pants ignores, this one or one around it."""

    path: str
    ignored_by: Optional[IgnoreLine]
    ignored: str


class _Scan:
    """Reads folders level by level, so that those nearest to the modules come first."""

    def __init__(self, ignore: WorkspaceIgnore, build_patterns: Tuple[str, ...]) -> None:
        self.files: List[LooseFile] = []
        self._ignore, self._build_patterns = ignore, build_patterns

    def folder(self, path: str, around: Optional[_Folder] = None) -> _Folder:
        if around is None and "/" in path:
            around = self.folder(posixpath.dirname(path))
        return _Folder(path, *self._ignored(path, around, is_dir=bool(path)))

    def _ignored(
        self, path: str, around: Optional[_Folder], *, is_dir: bool
    ) -> Tuple[Optional[IgnoreLine], str]:
        if around and around.ignored_by:
            return around.ignored_by, around.ignored
        line = self._ignore.ignoring_line(path, is_dir=is_dir) if path else None
        return line, path if line else ""

    def read(self, folder: _Folder, is_below: bool) -> List[_Folder]:
        """The folders in `folder` to look into: below code, other modules are nearer."""
        try:
            with os.scandir(os.path.join(get_buildroot(), folder.path)) as scanned:
                entries = list(scanned) if len(self.files) < _MAX_FILES else []
        except OSError:
            return []
        folders = []
        has_own_code = is_below and any(entry.name.endswith(".py") for entry in entries)
        for entry in entries:
            is_dir = entry.is_dir()
            if not _is_utf8(entry.name) or LITTER.ignoring_line(entry.name, is_dir=is_dir):
                continue
            path = join(folder.path, entry.name)
            if not is_dir:
                if self._is_loose(entry):
                    ignored = self._ignored(path, folder, is_dir=False)
                    self.files.append(LooseFile(path, *ignored, has_own_code))
            elif not (
                has_own_code or entry.name.startswith(".") or entry.is_symlink() and is_below
            ):
                folders.append(self.folder(path, folder))
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
