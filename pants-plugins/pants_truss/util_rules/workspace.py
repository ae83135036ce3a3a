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
from dataclasses import dataclass
from typing import Callable, FrozenSet, Iterable, Iterator, List, Optional, Tuple

from pants.base.build_environment import get_buildroot
from pants.engine.internals.session import RunId
from pants.engine.rules import collect_rules
from pants.option.global_options import GlobalOptions

from pants_truss.core.gitignore import IgnorePatterns
from pants_truss.core.paths import is_within, join
from pants_truss.engine import implicitly, rule


@dataclass(frozen=True)
class ScanFolderRequest:
    """`root` is a folder relative to the build root."""

    root: str


@dataclass(frozen=True)
class BadLink:
    """`path` is as the walk found it, `real_path` with links in its folder resolved."""

    path: str
    real_path: str
    problem: str


@dataclass(frozen=True)
class ScannedFolder:
    """All paths are relative to the build root. `executables` and `file_links` lead to files;
    `unseen` are folders that Pants is expected to ignore."""

    unseen: Tuple[str, ...]
    executables: FrozenSet[str]
    file_links: Tuple[str, ...]
    bad_links: Tuple[BadLink, ...]
    virtualenvs: Tuple[str, ...]


@dataclass(frozen=True)
class WorkspaceIgnore:
    """The lines of `.gitignore` and `[GLOBAL].pants_ignore`: what Pants itself does not see."""

    lines: Tuple[str, ...]


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
    return WorkspaceIgnore(tuple(lines))


def _lines_of(path: str) -> List[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()
    except OSError:
        return []


@rule(desc="Scan truss folder")
async def scan_folder(request: ScanFolderRequest, run_id: RunId) -> ScannedFolder:
    ignore = await read_workspace_ignore(WorkspaceIgnoreRequest(), **implicitly())
    patterns = IgnorePatterns(ignore.lines)
    return walk_folder(get_buildroot(), request.root, _is_ignored_by(patterns))


def _is_ignored_by(patterns: IgnorePatterns) -> Callable[[str, bool], bool]:
    def is_ignored(path: str, is_dir: bool) -> bool:
        return patterns.is_dir_ignored(path) if is_dir else patterns.is_ignored(path)

    return is_ignored


def walk_folder(
    buildroot: str, root: str, is_ignored: Callable[[str, bool], bool] = lambda path, is_dir: False
) -> ScannedFolder:
    """Walks `root` as Pants would, following folder links, and sorts what it finds."""
    walk = _Walk(os.path.realpath(buildroot), is_ignored)
    walk.visit(root, ())
    return ScannedFolder(
        tuple(sorted(walk.unseen)),
        frozenset(walk.executables),
        tuple(sorted(walk.file_links)),
        tuple(sorted(walk.bad_links, key=lambda bad: bad.path)),
        tuple(sorted(walk.virtualenvs)),
    )


class _Walk:
    def __init__(self, buildroot: str, is_ignored: Callable[[str, bool], bool]) -> None:
        self._buildroot = buildroot
        self._is_ignored = is_ignored
        self.unseen: List[str] = []
        self.executables: List[str] = []
        self.file_links: List[str] = []
        self.bad_links: List[BadLink] = []
        self.virtualenvs: List[str] = []

    def visit(self, folder: str, above: Tuple[str, ...]) -> None:
        """`above` holds the real paths of the folders that the walk is in."""
        absolute = os.path.join(self._buildroot, folder)
        entries = _scan(absolute)
        if above and any(entry.name == "pyvenv.cfg" for entry in entries):
            self.virtualenvs.append(folder)
            return
        above = (*above, os.path.realpath(absolute))
        for entry in entries:
            path = join(folder, entry.name)
            if entry.is_symlink():
                self._visit_link(path, above)
            elif entry.is_dir(follow_symlinks=False):
                self._visit_folder(path, above)
            elif entry.is_file(follow_symlinks=False):
                self._visit_file(path, entry.stat(follow_symlinks=False))

    def _visit_folder(self, path: str, above: Tuple[str, ...]) -> None:
        if self._is_ignored(path, True):
            self.unseen.append(path)
        else:
            self.visit(path, above)

    def _visit_file(self, path: str, stat: os.stat_result) -> None:
        # The bit that Pants goes by.
        if stat.st_mode & 0o100:
            self.executables.append(path)

    def _visit_link(self, path: str, above: Tuple[str, ...]) -> None:
        absolute = os.path.join(self._buildroot, path)
        is_dir = os.path.isdir(absolute)
        if self._is_ignored(path, is_dir):
            return
        problem = self._problem(absolute, above)
        if problem:
            folder = os.path.relpath(os.path.realpath(os.path.dirname(absolute)), self._buildroot)
            real_path = join("" if folder == "." else folder, os.path.basename(path))
            self.bad_links.append(BadLink(path, real_path, problem))
        elif is_dir:
            self.visit(path, above)
        else:
            self.file_links.append(path)
            self._visit_file(path, os.stat(absolute))

    def _problem(self, link: str, above: Tuple[str, ...]) -> Optional[str]:
        target = os.readlink(link)
        described = f"is a symlink to {target!r}"
        if os.path.isabs(target):
            return f"{described}, an absolute path. Make it relative"
        if self._steps_outside(os.path.realpath(os.path.dirname(link)), target):
            return f"{described}, which leaves the build root. Copy what it points to"
        real = os.path.realpath(link)
        if not os.path.exists(link):
            if os.path.islink(real):
                return f"{described}, which leads back to itself. Remove it"
            return f"{described}, which does not exist. Remove it or mend it"
        if not self._is_inside(real):
            return f"{described}, which leaves the build root for {real!r}. Copy what it points to"
        if any(is_within(folder_above, real) for folder_above in above):
            return f"{described}, a folder that holds the link: it has no end. Remove it"
        return None

    def _steps_outside(self, folder: str, target: str) -> bool:
        """Whether a relative target passes a folder above the build root, even if it comes back:
        in a clone of another name it would not."""
        inside = os.path.relpath(folder, self._buildroot)
        depth = 0 if inside == "." else inside.count(os.sep) + 1
        for part in target.split(os.sep):
            depth += {"..": -1, ".": 0, "": 0}.get(part, 1)
            if depth < 0:
                return True
        return False

    def _is_inside(self, absolute: str) -> bool:
        return is_within(absolute, self._buildroot)


def _scan(absolute: str) -> List["os.DirEntry[str]"]:
    try:
        with os.scandir(absolute) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        # Gone since it was listed, or not readable: Pants says so when it expands the globs.
        return []


def escape_glob(path: str) -> str:
    """A glob, and a `.gitignore` pattern, that matches this very path."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in path)


def exclude_globs(paths: Iterable[str]) -> Iterator[str]:
    """Excludes for `PathGlobs`: each path, and all below it."""
    for path in paths:
        yield f"!/{escape_glob(path)}"
        yield f"!/{escape_glob(path)}/**"


def rules() -> Iterable[object]:
    return collect_rules()
