"""What Pants does not see in a folder: links that lead nowhere, virtual environments, new modes.

Pants follows relative links while it expands globs, but silently drops a broken link, and one that
leaves the build root; an absolute one is an error of its own with no hint at what to do, and a link
to a folder above itself is expanded over and over. Its daemon gets no notice when a file becomes
executable. A truss must neither lose a file silently nor keep a stale mode. The engine offers no
way to ask, so this one rule reads the file system itself, and does so again in every session; what
follows from it is memoized by the answer.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from itertools import islice
from typing import FrozenSet, Iterable, Iterator, List, Optional, Tuple

from pants.base.build_environment import get_buildroot
from pants.engine.internals.session import RunId
from pants.engine.rules import collect_rules

from pants_truss.core.git_content import is_annexed
from pants_truss.core.paths import ancestors, is_within, join
from pants_truss.core.truss_ignore import LITTER
from pants_truss.pants_api import heap, implicitly, rule
from pants_truss.pants_api.heap import TrimHeapRequest, trim_heap
from pants_truss.sources import workspace_ignore
from pants_truss.sources.workspace_ignore import (
    IgnoreLine,
    WorkspaceIgnore,
    WorkspaceIgnoreRequest,
    read_workspace_ignore,
)
from pants_truss.subsystems.gather import TrussGatherSubsystem


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
class IgnoredPath:
    """A file, or a folder, that Pants ignores by `line`. `files` are the file itself, or those in
    the folder, at most `MAX_IGNORED_FILES` of them; litter is left out. With `kept_by`, a personal
    line, other machines ignore it, and this one does not."""

    path: str
    is_folder: bool
    line: IgnoreLine
    files: Tuple[str, ...]
    kept_by: Optional[IgnoreLine] = None


@dataclass(frozen=True)
class ScannedFolder:
    """All paths are relative to the build root. `executables` and `file_links` lead to files;
    `ignored` is what Pants is expected to ignore, `only_here` what it ignores elsewhere."""

    ignored: Tuple[IgnoredPath, ...]
    executables: FrozenSet[str]
    file_links: Tuple[str, ...]
    bad_paths: Tuple[BadPath, ...]
    virtualenvs: Tuple[str, ...]
    only_here: Tuple[IgnoredPath, ...] = ()

    @property
    def ignored_folders(self) -> List[str]:
        return [ignored.path for ignored in self.ignored if ignored.is_folder]


@rule(desc="Scan truss folder")
async def scan_folder(
    request: ScanFolderRequest, run_id: RunId, gather: TrussGatherSubsystem
) -> ScannedFolder:
    ignore = await read_workspace_ignore(WorkspaceIgnoreRequest(), **implicitly())
    if gather.release_memory:
        await trim_heap(TrimHeapRequest(), **implicitly())
    return walk_folder(get_buildroot(), request.root, ignore)


def walk_folder(buildroot: str, root: str, ignore: WorkspaceIgnore) -> ScannedFolder:
    """Walks `root` as Pants would, following folder links, and sorts what it finds."""
    real_buildroot = os.path.realpath(buildroot)
    walk = _Walk(real_buildroot, root, ignore)
    walk.visit(root, os.path.realpath(os.path.join(real_buildroot, root)), ())
    return ScannedFolder(
        tuple(sorted(walk.ignored, key=lambda ignored: ignored.path)),
        frozenset(walk.executables),
        tuple(sorted(walk.file_links)),
        tuple(sorted(walk.bad_paths, key=lambda bad: bad.path)),
        tuple(sorted(walk.virtualenvs)),
        tuple(sorted(_outermost(walk.only_here), key=lambda ignored: ignored.path)),
    )


def _outermost(found: Iterable[IgnoredPath]) -> Iterator[IgnoredPath]:
    """Without those in a folder that is found too: the walk has gone into it."""
    known = {ignored.path: ignored for ignored in found}
    return (each for path, each in known.items() if not any(map(known.get, ancestors(path))))


class _Walk:
    def __init__(self, buildroot: str, root: str, ignore: WorkspaceIgnore) -> None:
        self._buildroot = buildroot
        self._prefix_length = len(root) + 1 if root else 0
        self._ignore = ignore
        self.ignored: List[IgnoredPath] = []
        self.only_here: List[IgnoredPath] = []
        self.executables: List[str] = []
        self.file_links: List[str] = []
        self.bad_paths: List[BadPath] = []
        self.virtualenvs: List[str] = []

    def visit(self, folder: str, real: str, above: Tuple[str, ...]) -> None:
        """`real` is its real path; `above` holds those of the folders that the walk is in."""
        entries = self._scan(folder)
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
                if not self._leave_out(path):
                    self._visit_file(path, entry.stat(follow_symlinks=False))
            elif entry.is_symlink():
                self._visit_link(path, above)
            elif entry.is_dir(follow_symlinks=False):
                self._visit_folder(path, f"{real}/{entry.name}", above)
            elif not self._leave_out(path):
                # Pants would leave it out silently.
                kind = _special_kind(entry.stat(follow_symlinks=False).st_mode)
                self.bad_paths.append(BadPath(path, path, f"is a {kind}, and no file. Remove it"))

    def _scan(self, folder: str) -> List["os.DirEntry[str]"]:
        try:
            return _entries(os.path.join(self._buildroot, folder))
        except (FileNotFoundError, NotADirectoryError):
            # Gone since it was listed.
            return []
        except OSError as e:
            # Pants would leave its files out, or fail with no word of the truss.
            problem = f"cannot be read: {e.strerror}. Fix that"
            self.bad_paths.append(BadPath(folder, folder, problem, may_be_folder=True))
            return []

    def _visit_folder(self, path: str, real: str, above: Tuple[str, ...]) -> None:
        if not self._leave_out(path, is_dir=True):
            self.visit(path, real, above)

    def _leave_out(self, path: str, is_dir: bool = False) -> bool:
        """Returns True if Pants ignores the path, and then notes it, unless it is litter."""
        line = self._ignore.ignoring_line(path, is_dir=is_dir)
        if line is not None:
            self.ignored += self._describe(path, is_dir, line)
            return True
        if self._ignore.elsewhere:
            found = self._ignore.personal_line(path, is_dir=is_dir)
            self.only_here += self._describe(path, is_dir, *found) if found else []
        return False

    def _describe(
        self, path: str, is_dir: bool, line: IgnoreLine, kept_by: Optional[IgnoreLine] = None
    ) -> List[IgnoredPath]:
        # The folders above the scanned one do not matter: a truss may lie in `eggs/`.
        if LITTER.ignoring_line(path[self._prefix_length :], is_dir=is_dir) is not None:
            return []
        files = tuple(islice(self._files_in(path), MAX_IGNORED_FILES) if is_dir else (path,))
        return [IgnoredPath(path, is_dir, line, files, kept_by)] if files else []

    def _files_in(self, folder: str) -> Iterator[str]:
        """Yields the files of an ignored folder, but none of a virtual environment."""
        try:
            entries = _entries(os.path.join(self._buildroot, folder))
        except OSError:
            return
        if any(entry.name == "pyvenv.cfg" for entry in entries):
            return
        for entry in entries:
            is_dir = entry.is_dir(follow_symlinks=False)
            if LITTER.ignoring_line(entry.name, is_dir=is_dir) is not None:
                continue
            path = f"{folder}/{entry.name}"
            if is_dir:
                yield from self._files_in(path)
            else:
                yield path

    def _visit_file(self, path: str, found: os.stat_result) -> None:
        # The bit that Pants goes by.
        if found.st_mode & 0o100:
            self.executables.append(path)

    def _visit_link(self, path: str, above: Tuple[str, ...]) -> None:
        absolute = os.path.join(self._buildroot, path)
        is_dir = os.path.isdir(absolute)
        if self._leave_out(path, is_dir):
            return
        problem = self._trace(absolute) or self._end_problem(absolute, above)
        if problem or is_annexed(os.readlink(absolute)):
            folder = self._inside(os.path.realpath(os.path.dirname(absolute)))
            target = os.readlink(absolute)
            if is_annexed(target):
                problem = f"whose content is in git-annex. Run `git annex get {path}` and then "
                problem += f"`git annex unlock {path}`"
            self.bad_paths.append(
                BadPath(
                    path,
                    join(folder, os.path.basename(path)),
                    f"is a symlink to {target!r}, {problem}",
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
        """The problem with the end of a link, which is inside the build root."""
        real = os.path.realpath(link)
        if not os.path.exists(link):
            return "which does not exist. Remove it or fix it"
        if not os.path.isdir(link):
            return None if os.path.isfile(link) else "which is not a file. Remove it"
        if any(is_within(folder_above, real) for folder_above in above):
            return "a folder that holds the link: it has no end. Remove it"
        inside = self._inside(real)
        if any(self._ignore.patterns.is_dir_ignored(part) for part in (inside, *ancestors(inside))):
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


# A folder of weights may have thousands: a few are enough to say that it is missing.
MAX_IGNORED_FILES = 100

# As many as Linux follows.
_MAX_HOPS = 40


def _entries(absolute: str) -> List["os.DirEntry[str]"]:
    with os.scandir(absolute) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _special_kind(mode: int) -> str:
    kinds = ((stat.S_ISFIFO, "named pipe"), (stat.S_ISSOCK, "socket"))
    return next((name for is_kind, name in kinds if is_kind(mode)), "device")


@dataclass(frozen=True)
class ResolveFolderRequest:
    """A folder relative to the build root. It may be a symlink, or below one."""

    folder: str


@dataclass(frozen=True)
class ResolvedFolder:
    """The folder itself; None if it lies outside the build root."""

    folder: Optional[str]


@rule
async def resolve_folder(request: ResolveFolderRequest, run_id: RunId) -> ResolvedFolder:
    # In each session: a folder may become a link, and Pants' daemon has been seen to go on with
    # what lay behind a former link.
    buildroot = os.path.realpath(get_buildroot())
    real = os.path.realpath(os.path.join(buildroot, request.folder))
    return ResolvedFolder(_relative_to(buildroot, real) if is_within(real, buildroot) else None)


def rules() -> Iterable[object]:
    return [
        *collect_rules(),
        *heap.rules(),
        *workspace_ignore.rules(),
        *TrussGatherSubsystem.rules(),
    ]
