"""What Pants itself does not see, and which line of which file says so."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Iterable, Iterator, List, Optional, Tuple

from pants.base.build_environment import get_buildroot
from pants.engine.internals.session import RunId
from pants.engine.rules import collect_rules
from pants.option.global_options import GlobalOptions

from pants_truss.core.errors import TrussError
from pants_truss.core.git_excludes import user_excludes_file
from pants_truss.core.gitignore import IgnorePatterns, expand_braces
from pants_truss.pants_api import rule


@dataclass(frozen=True)
class IgnoreLine:
    """One pattern, and where it is written: `.gitignore:3`, or the name of an option. A `personal`
    one is not part of the repository, so another machine does without it."""

    pattern: str
    origin: str
    is_personal: bool = False


@dataclass(frozen=True)
class WorkspaceIgnore:
    """The patterns in the order of Pants; the last that matches decides. Compiled once in a
    session, not once for each truss."""

    lines: Tuple[IgnoreLine, ...]
    patterns: IgnorePatterns = field(compare=False)
    elsewhere: Optional[WorkspaceIgnore] = field(default=None, compare=False)

    @classmethod
    def of(cls, lines: Iterable[IgnoreLine]) -> WorkspaceIgnore:
        """`elsewhere` is that of a machine without the personal lines, if one of these is a `!`
        line: what other machines ignore may be here."""
        kept = tuple(lines)
        elsewhere = None
        if any(line.is_personal and line.pattern.lstrip().startswith("!") for line in kept):
            elsewhere = cls.of(line for line in kept if not line.is_personal)
        return cls(kept, IgnorePatterns(line.pattern for line in kept), elsewhere)

    def ignoring_line(self, path: str, *, is_dir: bool = False) -> Optional[IgnoreLine]:
        """The line that ignores `path`, the folders above it apart."""
        index = self.patterns.ignoring_line(path, is_dir=is_dir)
        return None if index is None else self.lines[index]

    def personal_line(
        self, path: str, *, is_dir: bool = False
    ) -> Optional[Tuple[IgnoreLine, IgnoreLine]]:
        """For a path that only this machine does not ignore: the line that ignores it elsewhere,
        and the personal one that brings it back."""
        line = self.elsewhere.ignoring_line(path, is_dir=is_dir) if self.elsewhere else None
        index = self.patterns.keeping_line(path, is_dir=is_dir) if line else None
        return (line, self.lines[index]) if line and index is not None else None


@dataclass(frozen=True)
class WorkspaceIgnoreRequest:
    pass


@rule
async def read_workspace_ignore(
    _: WorkspaceIgnoreRequest, global_options: GlobalOptions, run_id: RunId
) -> WorkspaceIgnore:
    buildroot = get_buildroot()
    lines: List[IgnoreLine] = []
    if global_options.pants_ignore_use_gitignore:
        # The order is that of Pants, too.
        user_file = user_excludes_file(os.environ, _text_of)
        if user_file:
            lines += _lines_of(user_file, user_file, is_personal=True)
        lines += _lines_of(os.path.join(buildroot, ".gitignore"), ".gitignore")
        exclude = ".git/info/exclude"
        lines += _lines_of(os.path.join(buildroot, exclude), exclude, is_personal=True)
    for pattern in GlobalOptions.compute_pants_ignore(buildroot, global_options):
        lines += read_ignore_line(pattern, "`[GLOBAL].pants_ignore`")
    return WorkspaceIgnore.of(lines)


def _lines_of(path: str, name: str, is_personal: bool = False) -> Iterator[IgnoreLine]:
    for number, line in enumerate(_text_of(path).splitlines(), 1):
        yield from read_ignore_line(line, f"{name}:{number}", is_personal)


def read_ignore_line(line: str, origin: str, is_personal: bool = False) -> Iterator[IgnoreLine]:
    try:
        patterns = expand_braces(line)
    except TrussError as e:
        raise TrussError(f"{origin}: {e}") from None
    for pattern in patterns:
        yield IgnoreLine(pattern, origin, is_personal)


def _text_of(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def rules() -> Iterable[object]:
    return collect_rules()
