"""What Pants does not see in a folder: links that lead nowhere, virtual environments, new modes.

Pants follows relative links while it expands globs, but drops a broken link, and one that leaves
the build root, without a word; an absolute one is an error of its own with no hint at what to do,
and a link to a folder above itself is expanded over and over. Its daemon is not told when a file
becomes executable. A truss must neither lose a file silently nor keep a stale mode. The engine
offers no way to ask, so this one rule reads the file system itself, and does so anew in every
session; what follows from it is memoized by the answer.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import FrozenSet, Iterable, List, Optional, Tuple

from pants.base.build_environment import get_buildroot
from pants.engine.internals.session import RunId
from pants.engine.rules import collect_rules
from pants.option.global_options import GlobalOptions

from pants_truss.core.gitignore import IgnorePatterns
from pants_truss.core.paths import ancestors, is_within, join
from pants_truss.core.truss_ignore import DEFAULT_IGNORE
from pants_truss.pants_api import heap, implicitly, rule
from pants_truss.pants_api.heap import TrimHeapRequest, trim_heap


@dataclass(frozen=True)
class ScanFolderRequest:
    """`root` is a folder relative to the build root."""

    root: str


@dataclass(frozen=True)
class BadPath:
    """A path that no gathered truss can hold, most often a symlink. `path` is as the walk found it,
    `real_path` with links in its folder resolved."""

    path: str
    real_path: str
    problem: str
    may_be_folder: bool = False


@dataclass(frozen=True)
class ScannedFolder:
    """All paths are relative to the build root. `executables` and `file_links` lead to files;
    `unseen` are folders that Pants is expected to ignore, known litter apart."""

    unseen: Tuple[str, ...]
    executables: FrozenSet[str]
    file_links: Tuple[str, ...]
    bad_paths: Tuple[BadPath, ...]
    virtualenvs: Tuple[str, ...]


@dataclass(frozen=True)
class WorkspaceIgnore:
    """`.gitignore` and `[GLOBAL].pants_ignore`: what Pants itself does not see. Compiled once in a
    session, not once for each truss."""

    lines: Tuple[str, ...]
    patterns: IgnorePatterns = field(compare=False)


@dataclass(frozen=True)
class WorkspaceIgnoreRequest:
    pass


@rule
async def read_workspace_ignore(
    _: WorkspaceIgnoreRequest, global_options: GlobalOptions, run_id: RunId
) -> WorkspaceIgnore:
    buildroot = get_buildroot()
    lines: List[str] = []
    if global_options.pants_ignore_use_gitignore:
        for name in (".gitignore", ".git/info/exclude"):
            lines += _lines_of(os.path.join(buildroot, name))
    lines += GlobalOptions.compute_pants_ignore(buildroot, global_options)
    return WorkspaceIgnore(tuple(lines), IgnorePatterns(lines))


def _lines_of(path: str) -> List[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()
    except OSError:
        return []


@rule(desc="Scan truss folder")
async def scan_folder(request: ScanFolderRequest, run_id: RunId) -> ScannedFolder:
    ignore = await read_workspace_ignore(WorkspaceIgnoreRequest(), **implicitly())
    await trim_heap(TrimHeapRequest(), **implicitly())
    return walk_folder(get_buildroot(), request.root, ignore.patterns)


def walk_folder(buildroot: str, root: str, ignore: IgnorePatterns) -> ScannedFolder:
    """Walks `root` as Pants would, following folder links, and sorts what it finds."""
    real_buildroot = os.path.realpath(buildroot)
    walk = _Walk(real_buildroot, ignore)
    walk.visit(root, os.path.realpath(os.path.join(real_buildroot, root)), ())
    return ScannedFolder(
        tuple(sorted(walk.unseen)),
        frozenset(walk.executables),
        tuple(sorted(walk.file_links)),
        tuple(sorted(walk.bad_paths, key=lambda bad: bad.path)),
        tuple(sorted(walk.virtualenvs)),
    )


class _Walk:
    def __init__(self, buildroot: str, ignore: IgnorePatterns) -> None:
        self._buildroot = buildroot
        self._ignore = ignore
        self.unseen: List[str] = []
        self.executables: List[str] = []
        self.file_links: List[str] = []
        self.bad_paths: List[BadPath] = []
        self.virtualenvs: List[str] = []

    def visit(self, folder: str, real: str, above: Tuple[str, ...]) -> None:
        """`real` is its real path; `above` holds those of the folders that the walk is in."""
        entries = _scan(os.path.join(self._buildroot, folder))
        if above and any(entry.name == "pyvenv.cfg" for entry in entries):
            self.virtualenvs.append(folder)
            return
        above = (*above, real)
        prefix = f"{folder}/" if folder else ""
        # This runs for each file of each truss in each session: most are what is asked first.
        for entry in entries:
            path = prefix + entry.name
            if not (path.isascii() or _is_utf8(entry.name)):
                self.bad_paths.append(
                    BadPath(
                        ascii(path)[1:-1],
                        "",
                        "has a name that is not UTF-8. Rename it",
                        may_be_folder=entry.is_dir(),
                    )
                )
            elif entry.is_file(follow_symlinks=False):
                self._visit_file(path, entry.stat(follow_symlinks=False))
            elif entry.is_symlink():
                self._visit_link(path, above)
            elif entry.is_dir(follow_symlinks=False):
                self._visit_folder(path, f"{real}/{entry.name}", above)

    def _visit_folder(self, path: str, real: str, above: Tuple[str, ...]) -> None:
        if not self._ignore.is_dir_ignored(path):
            self.visit(path, real, above)
        elif not _LITTER.is_dir_ignored(path):
            self.unseen.append(path)

    def _visit_file(self, path: str, stat: os.stat_result) -> None:
        # The bit that Pants goes by.
        if stat.st_mode & 0o100:
            self.executables.append(path)

    def _visit_link(self, path: str, above: Tuple[str, ...]) -> None:
        absolute = os.path.join(self._buildroot, path)
        is_dir = os.path.isdir(absolute)
        if self._ignore.is_dir_ignored(path) if is_dir else self._ignore.is_ignored(path):
            return
        problem = self._trace(absolute) or self._end_problem(absolute, above)
        if problem:
            folder = self._inside(os.path.realpath(os.path.dirname(absolute)))
            self.bad_paths.append(
                BadPath(
                    path,
                    join(folder, os.path.basename(path)),
                    f"is a symlink to {os.readlink(absolute)!r}, {problem}",
                    may_be_folder=not os.path.isfile(absolute),
                )
            )
        elif is_dir:
            self.visit(path, os.path.realpath(absolute), above)
        else:
            self.file_links.append(path)
            self._visit_file(path, os.stat(absolute))

    def _trace(self, link: str) -> Optional[str]:
        """Follows a link step by step, as Pants does: what stops it on the way."""
        folder = os.path.realpath(os.path.dirname(link))
        steps, hops = [os.path.basename(link)], 0
        while steps:
            step = steps.pop(0)
            if step == "..":
                folder = os.path.dirname(folder)
                if not is_within(folder, self._buildroot):
                    return "which leaves the build root. Copy what it points to"
            elif step not in ("", "."):
                here = os.path.join(folder, step)
                if not os.path.islink(here):
                    folder = here
                    continue
                hops += 1
                target = os.readlink(here)
                if os.path.isabs(target):
                    by_way = "" if here == link else f" by way of {self._inside(here)}"
                    return f"an absolute path{by_way}. Make it relative"
                if hops > _MAX_HOPS:
                    return "which leads back to itself. Remove it"
                steps = [*target.split(os.sep), *steps]
        return None

    def _end_problem(self, link: str, above: Tuple[str, ...]) -> Optional[str]:
        """What is wrong with where a link ends, which is inside the build root."""
        real = os.path.realpath(link)
        if not os.path.exists(link):
            return "which does not exist. Remove it or mend it"
        if not os.path.isdir(link):
            return None if os.path.isfile(link) else "which is no file. Remove it"
        if any(is_within(folder_above, real) for folder_above in above):
            return "a folder that holds the link: it has no end. Remove it"
        inside = self._inside(real)
        if any(self._ignore.is_dir_ignored(part) for part in (inside, *ancestors(inside))):
            return "a folder that Pants ignores (`[GLOBAL].pants_ignore` or git)"
        return None

    def _inside(self, absolute: str) -> str:
        return _relative_to(self._buildroot, absolute)


def _relative_to(buildroot: str, absolute: str) -> str:
    return absolute[len(buildroot) + 1 :]


def _is_utf8(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


# As many as Linux follows.
_MAX_HOPS = 40

# Python makes `__pycache__` folders all the time: they must not count as a change.
_LITTER = IgnorePatterns(DEFAULT_IGNORE)


def _scan(absolute: str) -> List["os.DirEntry[str]"]:
    try:
        with os.scandir(absolute) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        # Gone since it was listed, or not readable: Pants says so when it expands the globs.
        return []


@dataclass(frozen=True)
class ResolveFolderRequest:
    """A folder relative to the build root, perhaps a symlink, or below one."""

    folder: str


@dataclass(frozen=True)
class ResolvedFolder:
    """The folder itself; None if it lies outside the build root."""

    folder: Optional[str]


@rule
async def resolve_folder(request: ResolveFolderRequest, run_id: RunId) -> ResolvedFolder:
    # In each session: a folder may become a link, and Pants' daemon has been seen to go on with
    # what lay behind a link that is none any more.
    buildroot = os.path.realpath(get_buildroot())
    real = os.path.realpath(os.path.join(buildroot, request.folder))
    return ResolvedFolder(_relative_to(buildroot, real) if is_within(real, buildroot) else None)


@dataclass(frozen=True)
class FileModesRequest:
    """Paths of files relative to the build root; not all of them need exist."""

    paths: Tuple[str, ...]


@dataclass(frozen=True)
class FileModes:
    """Which of the files exist, and which of these are executable."""

    files: FrozenSet[str]
    executables: FrozenSet[str]

    def is_executable(self, path: str, unless_there: bool) -> bool:
        """`unless_there` is the answer for a file that is generated."""
        return path in self.executables if path in self.files else unless_there


@rule
async def read_file_modes(request: FileModesRequest, run_id: RunId) -> FileModes:
    modes = {}
    for path in request.paths:
        with suppress(OSError):
            modes[path] = os.stat(os.path.join(get_buildroot(), path)).st_mode
    return FileModes(
        frozenset(modes),
        # The bit that Pants goes by.
        frozenset(path for path, mode in modes.items() if mode & 0o100),
    )


# Before any file of a truss is read.
_STARTED_NS = time.time_ns()


def edited_meanwhile(
    paths: Iterable[str], global_options: GlobalOptions, since_ns: int = _STARTED_NS
) -> List[str]:
    """Which of the files have changed since this process began, so that one may have been read
    before and another after. The daemon is told of that, and reads them again; without it nobody
    is. Paths of files that were never there are none."""
    if global_options.pantsd and not global_options.concurrent:
        return []
    found = []
    for path in paths:
        with suppress(OSError):
            if os.stat(os.path.join(get_buildroot(), path)).st_ctime_ns > since_ns:
                found.append(path)
    return found


def rules() -> Iterable[object]:
    return [*collect_rules(), *heap.rules()]
