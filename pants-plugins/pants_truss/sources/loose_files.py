"""The files beside modules, whether Pants sees them or not."""

from __future__ import annotations

import os
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Iterable, Iterator, Optional, Tuple

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


@dataclass(frozen=True)
class LooseFilesRequest:
    """`folder` is relative to the build root."""

    folder: str


@dataclass(frozen=True)
class LooseFile:
    """`path` is relative to the build root; `ignored_by` is the line by which Pants ignores it. A
    file `has_own_code` if it lies in a folder below, beside Python code."""

    path: str
    ignored_by: Optional[IgnoreLine] = None
    has_own_code: bool = False


@dataclass(frozen=True)
class LooseFiles:
    """The files in a folder and in the folders directly below it: code, BUILD files and litter
    apart."""

    files: Tuple[LooseFile, ...]


@rule
async def find_loose_files(
    request: LooseFilesRequest, global_options: GlobalOptions, run_id: RunId
) -> LooseFiles:
    ignore = await read_workspace_ignore(WorkspaceIgnoreRequest(), **implicitly())
    files = sorted(
        _loose_files(request.folder, ignore, tuple(global_options.build_patterns), None),
        key=lambda file: file.path,
    )
    return LooseFiles(tuple(files))


def _loose_files(
    folder: str,
    ignore: WorkspaceIgnore,
    build_patterns: Tuple[str, ...],
    ignored_by: Optional[IgnoreLine],
    is_below: bool = False,
) -> Iterator[LooseFile]:
    try:
        with os.scandir(os.path.join(get_buildroot(), folder)) as scanned:
            entries = list(scanned)
    except OSError:
        return
    has_own_code = is_below and any(entry.name.endswith(".py") for entry in entries)
    for entry in entries:
        is_dir = entry.is_dir()
        if not _is_utf8(entry.name) or LITTER.ignoring_line(entry.name, is_dir=is_dir) is not None:
            continue
        path = join(folder, entry.name)
        line = ignored_by or ignore.ignoring_line(path, is_dir=is_dir)
        if is_dir:
            if not is_below and not entry.name.startswith("."):
                yield from _loose_files(path, ignore, build_patterns, line, is_below=True)
        elif not entry.name.endswith((".py", ".pyi")) and entry.is_file():
            if not any(fnmatchcase(entry.name, pattern) for pattern in build_patterns):
                yield LooseFile(path, line, has_own_code)


def _is_utf8(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def rules() -> Iterable[object]:
    return collect_rules()
